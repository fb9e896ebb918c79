import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Of `/proc/stat` (proc_stat(5)). */
const TICK_MS = 10;
/** Places behind the name `cpu`. */
const IDLE = 4;
const IO_WAIT = 5;
/** Places behind the command's name. */
const CHILDREN_USER = 13;
const CHILDREN_SYSTEM = 14;
const NS_PER_MS = 1e6;

/**
 * What the rest of the machine takes from a measurement: processor time that was neither idle nor of this process, its
 * children or a helper of its, the hypervisor's share included.
 */
export class Interference {
  #othersMs = 0;
  #elapsedMs = 0;

  /** Measures while `run` runs. @param helper process id of what helps it, begun just before and alive until the end. */
  during<Result>(run: () => Result, helper?: number): Result {
    const end = this.begin(helper);
    const result = run();
    end();
    return result;
  }

  /** Measures until what it returns is called. @param helper as `during` takes it. */
  begin(helper?: number): () => void {
    const before = { now: performance.now(), idle: idleMs(), own: ownMs() };
    return () => {
      const elapsedMs = performance.now() - before.now;
      const knownMs = idleMs() - before.idle + ownMs() - before.own + (helper === undefined ? 0 : runTimeMs(helper));
      this.#elapsedMs += elapsedMs;
      this.#othersMs += Math.max(0, elapsedMs * availableParallelism() - knownMs);
    };
  }

  /** The share of one processor that others took since the last call. */
  take(): number {
    const share = this.#othersMs / this.#elapsedMs;
    this.#othersMs = 0;
    this.#elapsedMs = 0;
    return share;
  }
}

function idleMs(): number {
  const [all = ""] = readFileSync("/proc/stat", "latin1").split("\n", 1);
  const ticks = all.split(/ +/);
  return (Number(ticks[IDLE]) + Number(ticks[IO_WAIT])) * TICK_MS;
}

/** Of this process, and of its children that have ended and been waited for (proc_pid_stat(5), cutime and cstime). */
function ownMs(): number {
  const { user, system } = process.cpuUsage();
  const stat = readFileSync("/proc/self/stat", "latin1");
  const [, ...fields] = stat.slice(stat.lastIndexOf(")")).split(" ");
  return (user + system) / 1000 + (Number(fields[CHILDREN_USER]) + Number(fields[CHILDREN_SYSTEM])) * TICK_MS;
}

/** Of a process of one thread since it began. */
function runTimeMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[0]) / NS_PER_MS;
}
