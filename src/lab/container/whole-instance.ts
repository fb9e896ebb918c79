import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { reapOfGroup } from "../../host/launch.ffi.ts";
import type { Instance } from "../instance/instance.ts";

const LIMIT_MS = 5_000;
const LOOK_AGAIN_MS = 1;

/**
 * An instance whose processes may have sessions of their own, as a container's first one has: killed with the command
 * above them, they become children of this process, which has to reap them. `stop` waits for that as well.
 * @param cleanUp what is to be done once none of them is there any more; called once.
 */
export function wholeInstance(instance: Instance, cleanUp: () => Promise<void>): Instance {
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    const groups = new Set(freeze(instance).flatMap((pid) => groupOf(pid) ?? []));
    await instance.stop();
    const endMs = performance.now() + LIMIT_MS;
    for (const group of groups) {
      while (!reapAll(group) && performance.now() < endMs) await setTimeout(LOOK_AGAIN_MS);
    }
    await cleanUp();
  };
  return withOwn(instance, {
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  });
}

/** Stops the processes until none is new, so that none is started behind the back of what kills them; gives their ids. */
function freeze(instance: Instance): number[] {
  const frozen = new Set<number>();
  for (;;) {
    const fresh = instance.pids().filter((pid) => !frozen.has(pid));
    if (fresh.length === 0) return [...frozen];
    for (const pid of fresh) {
      frozen.add(pid);
      signalIfThere(pid, "SIGSTOP");
    }
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** The instance with methods of its own in place of some. */
export function withOwn(instance: Instance, own: Partial<Instance>): Instance {
  return {
    startedNs: instance.startedNs,
    firstOutput: (limitMs) => instance.firstOutput(limitMs),
    exited: (limitMs) => instance.exited(limitMs),
    output: () => instance.output(),
    pids: () => instance.pids(),
    stop: () => instance.stop(),
    ...own,
  };
}

function reapAll(group: number): boolean {
  for (;;) {
    const reaped = reapOfGroup(group);
    if (typeof reaped === "string") return reaped === "gone";
  }
}

/** Undefined for a process that has ended (proc(5), /proc/pid/stat: state, parent, group after the name). */
function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
  } catch {
    return undefined;
  }
}
