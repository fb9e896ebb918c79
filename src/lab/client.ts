import { closeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { HostError } from "../host/error.ts";
import { launch, peekEnd, pollReadable, reapOfGroup } from "../host/launch.ffi.ts";
import { describeExit, type Exit } from "./instance/instance.ts";
import { OutputPipe } from "./instance/output-pipe.ts";
import { killIfThere } from "./instance/process-tree.ts";
import { SampleError } from "./lack.ts";
import type { Workbench } from "./workbench.ts";
import type { Client, ClientResult } from "./workload/workload.ts";

const SLICE_MS = 20;
const KILL_LIMIT_MS = 5_000;

/** The client of one sample, which keeps count of its processor time. */
export class SampleClient implements Client {
  readonly #bench: Workbench;
  readonly #leftMs: () => number;
  #share: number | null = null;
  readonly #commandLines: string[] = [];

  constructor(bench: Workbench, leftMs: () => number) {
    this.#bench = bench;
    this.#leftMs = leftMs;
  }

  /** The busiest client's share of its time, 0 to 1; null where there was none. */
  get share(): number | null {
    return this.#share;
  }

  /** Of the client programs that were run, in order. */
  get commandLines(): readonly string[] {
    return this.#commandLines;
  }

  inside<Result>(action: () => Result): Result {
    const { network } = this.#bench;
    return network === undefined ? action() : network.client.inside(action);
  }

  call<Result>(action: () => Result): Result {
    const before = { cpu: process.cpuUsage(), wallMs: performance.now() };
    try {
      return this.inside(action);
    } finally {
      const { user, system } = process.cpuUsage(before.cpu);
      this.#count((user + system) / 1000, performance.now() - before.wallMs);
    }
  }

  async run(path: string, args: readonly string[], threads = 1): Promise<ClientResult> {
    const startedMs = performance.now();
    this.#commandLines.push([path, ...args].join(" "));
    const { exit, cpuMs, ...result } = await this.#runToEnd(path, args);
    if (!("status" in exit) || exit.status !== 0) {
      throw new SampleError(`the client ${path} ${describeExit(exit)}: ${lastLine(result)}`);
    }
    this.#count(cpuMs / threads, performance.now() - startedMs);
    return result;
  }

  #count(cpuMs: number, wallMs: number): void {
    if (wallMs > 0) this.#share = Math.max(this.#share ?? 0, Math.min(1, cpuMs / wallMs));
  }

  async #runToEnd(path: string, args: readonly string[]): Promise<ClientResult & { exit: Exit; cpuMs: number }> {
    const { pid, outputs, pidfd } = this.#launch(path, args);
    const guard = this.#bench.guard(["kill", "-s", "KILL", "--", `-${pid}`]);
    const [stdout, stderr] = outputs.map((descriptor) => new OutputPipe(descriptor));
    const pipes = [stdout, stderr].filter((pipe) => pipe !== undefined);
    try {
      let exit = peekEnd(pid);
      while (exit === undefined) {
        const sources = [pidfd, ...pipes.filter(({ open }) => open).map(({ descriptor }) => descriptor)];
        pollReadable(sources, Math.min(SLICE_MS, this.#leftMs()));
        for (const pipe of pipes) pipe.take();
        await setImmediate();
        exit = peekEnd(pid);
      }
      for (const pipe of pipes) pipe.take();
      return { exit, cpuMs: await end(pid), stdout: stdout?.text ?? "", stderr: stderr?.text ?? "" };
    } finally {
      await end(pid);
      for (const pipe of pipes) pipe.close();
      closeSync(pidfd);
      guard.release();
    }
  }

  #launch(path: string, args: readonly string[]) {
    const { PATH = "/usr/sbin:/usr/bin:/sbin:/bin" } = process.env;
    const environment = { PATH, LC_ALL: "C" };
    try {
      return this.inside(() => launch({ path, args, environment, cores: this.#bench.cores.clients, errors: "apart" }));
    } catch (error) {
      if (error instanceof HostError) throw new SampleError(error.message, { cause: error });
      throw error;
    }
  }
}

/** Ends a client's process group and reaps it; gives the processor time of what was there to reap. */
async function end(group: number): Promise<number> {
  killIfThere(-group);
  const deadlineMs = performance.now() + KILL_LIMIT_MS;
  let cpuMs = 0;
  for (;;) {
    const reaped = reapOfGroup(group);
    if (reaped === "gone") return cpuMs;
    if (reaped !== "running") cpuMs += reaped.cpuNs / 1e6;
    else if (performance.now() > deadlineMs) throw new SampleError(`client ${group} does not end by SIGKILL`);
    else await setImmediate();
  }
}

function lastLine({ stdout, stderr }: ClientResult): string {
  return `${stdout}\n${stderr}`.trim().split("\n").at(-1) ?? "";
}
