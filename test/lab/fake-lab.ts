import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Ended, Instance } from "../../src/lab/instance/instance.ts";
import { lack, SampleError } from "../../src/lab/lack.ts";
import { Meter } from "../../src/lab/meter.ts";
import type { Observer } from "../../src/lab/observer.ts";
import type { Plan } from "../../src/lab/plan.ts";
import { type Random, seededRandom } from "../../src/lab/random.ts";
import type { Launcher, Target } from "../../src/lab/target/target.ts";
import type { Workbench } from "../../src/lab/workbench.ts";
import type { Workload } from "../../src/lab/workload/workload.ts";
import { madeManifest } from "./made-result.ts";

/** What a fake target's instances do. */
export interface FakeBehaviour {
  /** Nanoseconds that it says it took; undefined: the sample fails. */
  readonly takesNs: (random: Random) => number | undefined;
  /** Milliseconds that a sample takes by the clock given to `fakeTarget`. */
  readonly lastsMs?: number;
  /** Never ends by itself. */
  readonly hangs?: boolean;
  /** Why it cannot run here. */
  readonly unavailable?: string;
  readonly refuses?: string;
}

/** What happened to a fake target's instances. */
export interface FakeLog {
  started: number;
  stopped: number;
  closed: number;
}

/** A clock that goes on by what fakes say they take. */
export interface FakeClock {
  ms: number;
}

/** A target whose instances are no processes: they say how long they took, by a seed. */
export function fakeTarget(
  name: string,
  seed: number,
  behaviour: FakeBehaviour,
  clock: FakeClock = { ms: 0 },
): Target & { readonly log: FakeLog } {
  const log: FakeLog = { started: 0, stopped: 0, closed: 0 };
  const random = seededRandom(seed, name);
  const launcher: Launcher = {
    commandLine: [name, "<name>"],
    imageBytes: 1000,
    start: async () => {
      log.started++;
      clock.ms += behaviour.lastsMs ?? 0;
      return fakeInstance(behaviour, random, () => log.stopped++);
    },
    close: async () => void log.closed++,
  };
  return {
    name,
    title: `the target ${name}`,
    log,
    probe: async () =>
      behaviour.unavailable === undefined
        ? {
            available: true,
            version: `${name} 1`,
            found: "made by the test",
            paths: [],
            refuse: (program) =>
              behaviour.refuses !== undefined || program.name !== "fake"
                ? lack(behaviour.refuses ?? "not fake")
                : undefined,
            prepare: async () => launcher,
            security: async () => {
              throw new SampleError("never asked for");
            },
          }
        : { available: false, ...lack(behaviour.unavailable, "a mend") },
  };
}

function fakeInstance(behaviour: FakeBehaviour, random: Random, stopped: () => void): Instance {
  const startedNs = process.hrtime.bigint();
  const ns = behaviour.takesNs(random);
  let isStopped = false;
  return {
    startedNs,
    firstOutput: async () => startedNs,
    exited: (limitMs) => {
      if (behaviour.hangs === true) return new Promise(() => {});
      if (limitMs <= 0) throw new SampleError("no time left");
      const ended: Ended = { exit: { status: ns === undefined ? 1 : 0 }, endedNs: startedNs };
      return Promise.resolve(ended);
    },
    output: () => (ns === undefined ? "a fake failure" : `fake: ns=${ns}`),
    pids: () => [],
    stop: async () => {
      if (!isStopped) stopped();
      isStopped = true;
    },
  };
}

/** Reads what fake instances say. */
export function fakeWorkload(name: string): Workload {
  return {
    name,
    title: `the workload ${name}`,
    description: "Says a number.",
    metrics: [{ name: "time", title: "time", unit: "ns", better: "lower", compared: true }],
    quick: true,
    network: false,
    program: () => ({ kind: "kit", name: "fake", args: [], memoryMib: 1 }),
    sample: async ({ start, leftMs }) => {
      const { instance } = await start();
      await instance.exited(leftMs());
      const match = /^fake: ns=(\S+)$/.exec(instance.output());
      if (match === null) throw new SampleError(instance.output());
      return { time: Number(match[1]) };
    },
  };
}

/** A workbench that makes folders below `folder`, and nothing else. */
export function fakeBench(folder: string): Workbench {
  const { host } = madeManifest([], []);
  return {
    version: "0.0.0",
    host,
    cores: { servers: [1], clients: [0] },
    network: undefined,
    folder: (label) => mkdtempSync(join(folder, `${label}-`)),
    guard: () => ({ release: () => {} }),
  };
}

/** A machine on which nothing disturbs. */
export function quietMeter(): Meter {
  return new Meter({
    stat: () => "cpu0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0\n",
    throttled: () => 0,
    isHeldBack: () => false,
    frequencyKhz: () => null,
  });
}

export function fakePlan(of: Partial<Plan>): Plan {
  return {
    seed: 1,
    quick: true,
    targets: [],
    workloads: [],
    blocks: 10,
    budgetMs: 600_000,
    sampleLimitMs: 10_000,
    sampleMs: 1,
    ...of,
  };
}

/** Keeps the lines that a run tells. */
export function loggingObserver(onSample: () => void = () => {}): Observer & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    notRun: ({ target, workload, reason }) => lines.push(`not run: ${target} ${workload}: ${reason}`),
    trying: (workload, target) => lines.push(`try ${workload} ${target}`),
    begins: ({ done, left }) => lines.push(`begin ${done} ${left}`),
    sampled: onSample,
    settled: (workload, blocks) => lines.push(`settled ${workload} ${blocks}`),
    ended: (why) => lines.push(`ended ${why}`),
  };
}
