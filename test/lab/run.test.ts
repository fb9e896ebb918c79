import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { DEFAULTS } from "../../src/lab/plan.ts";
import type { Random } from "../../src/lab/random.ts";
import { analyse } from "../../src/lab/report/analysis.ts";
import { readResult, type StoredResult } from "../../src/lab/result-folder.ts";
import { type RunOptions, runLab } from "../../src/lab/run.ts";
import type { Sample } from "../../src/lab/sample.ts";
import type { Workload } from "../../src/lab/workload/workload.ts";
import { temporaryFolder } from "../support/temporary.ts";
import {
  type FakeBehaviour,
  type FakeClock,
  fakeBench,
  fakePlan,
  fakeTarget,
  fakeWorkload,
  loggingObserver,
  quietMeter,
} from "./fake-lab.ts";

const SEED = 20_260_301;
const folder = temporaryFolder();
let output: string;
let count = 0;

beforeEach(() => {
  output = join(folder, `result-${count++}`);
});

/** Around 1 ms, skewed and with a heavy tail: mostly within a per cent, now and then twice as much. */
const noisy =
  (factor: number) =>
  (random: Random): number =>
    1e6 * factor * (1 + 0.01 * random.next()) * (random.next() < 0.05 ? 2 : 1);

const steady: FakeBehaviour = { takesNs: () => 1e6 };

type Asked = Partial<Omit<RunOptions, "plan">> & { readonly plan?: Parameters<typeof fakePlan>[0] };

function options(asked: Asked): RunOptions {
  const targets = asked.targets ?? [fakeTarget("native", SEED, steady)];
  const workloads = asked.workloads ?? [fakeWorkload("one")];
  const bench = fakeBench(folder);
  return {
    host: bench.host,
    bench,
    commandLine: ["skiff", "bench"],
    output,
    observer: loggingObserver(),
    signal: new AbortController().signal,
    meter: quietMeter(),
    ...asked,
    targets,
    workloads,
    plan: fakePlan({
      seed: SEED,
      targets: targets.map(({ name }) => name),
      workloads: workloads.map(({ name }) => name),
      ...asked.plan,
    }),
  };
}

function verdicts(result: StoredResult): Record<string, string | null> {
  const [table] = analyse(result).tables;
  return Object.fromEntries(
    (table?.findings ?? []).map(({ target, role, verdict }) => [role === "again" ? "again" : target.name, verdict]),
  );
}

/** `workload block` with its attempt, and the turns that there are. */
function turnsOf(samples: readonly Sample[]): Map<string, string[]> {
  const turns = new Map<string, string[]>();
  for (const { workload, block, attempt, target, again } of samples) {
    const key = `${workload} ${block} ${attempt}`;
    turns.set(key, [...(turns.get(key) ?? []), again ? `${target} again` : target]);
  }
  return turns;
}

describe(`a run, seed ${SEED}`, () => {
  it("finds a planted slowdown of 10 %, and no difference between native and native", async () => {
    const found: Record<string, string | null>[] = [];
    for (let run = 0; run < 10; run++) {
      const targets = [
        fakeTarget("native", SEED + run, { takesNs: noisy(1) }),
        fakeTarget("same", SEED + run, { takesNs: noisy(1) }),
        fakeTarget("slow", SEED + run, { takesNs: noisy(1.1) }),
      ];
      found.push(verdicts(await runLab(options({ targets, output: join(output, String(run)), plan: { blocks: 30 } }))));
    }
    expect(found.map(({ slow }) => slow)).toEqual(new Array(10).fill("cost"));
    expect(found.map(({ same }) => same)).toEqual(new Array(10).fill("none"));
    expect(found.every(({ again }) => again === null)).toBe(true);
  });

  it("takes each target once a block and native twice, each instance fresh and stopped", async () => {
    const targets = [fakeTarget("native", SEED, steady), fakeTarget("other", SEED, steady)];
    const workloads = [fakeWorkload("one"), fakeWorkload("two")];
    const { samples } = await runLab(options({ targets, workloads, plan: { blocks: 4 } }));
    const turns = turnsOf(samples);
    expect([...turns.keys()].sort()).toEqual(
      ["one", "two"].flatMap((name) => [0, 1, 2, 3].map((block) => `${name} ${block} 0`)),
    );
    for (const names of turns.values()) expect([...names].sort()).toEqual(["native", "native again", "other"]);
    const orders = new Set([...turns.values()].map((names) => names.join()));
    expect(orders.size).toBeGreaterThan(1);
    // One more of each row, tried before.
    expect(targets.map(({ log }) => log)).toEqual([
      { started: 2 * (4 * 2 + 1), stopped: 2 * (4 * 2 + 1), closed: 2 },
      { started: 2 * (4 + 1), stopped: 2 * (4 + 1), closed: 2 },
    ]);
  });

  it("looks at 10 blocks and stops where nothing is open; goes on to the last block where something is", async () => {
    const quiet = await runLab(options({ plan: { blocks: 30 } }));
    expect(quiet.samples.length).toBe(20);
    expect(quiet.manifest.ended?.why).toBe("settled");
    const targets = [
      fakeTarget("native", SEED, steady),
      fakeTarget("wild", SEED, { takesNs: ({ next }) => 1e6 * 2 ** (8 * (next() - 0.5)) }),
    ];
    const open = await runLab(options({ targets, output: `${output}-open`, plan: { blocks: 30 } }));
    expect(open.samples.length).toBe(90);
  });

  it("does not wait for a number that a target has not", async () => {
    const one = fakeWorkload("one");
    const [time] = one.metrics;
    if (time === undefined) throw new Error("a fake workload has a metric");
    const workload: Workload = {
      ...one,
      metrics: [time, { ...time, name: "extra" }],
      sample: async (taking) => {
        const { time: ns = 0 } = await one.sample(taking);
        if (ns < 5e6) return { time: ns, extra: ns };
        taking.note("it has no extra");
        return { time: ns };
      },
    };
    const targets = [fakeTarget("native", SEED, steady), fakeTarget("lesser", SEED, { takesNs: () => 1e7 })];
    const { manifest, samples } = await runLab(options({ targets, workloads: [workload], plan: { blocks: 30 } }));
    expect(manifest.ended?.why).toBe("settled");
    expect(samples.length).toBe(30);
  });

  it("lists what is not there, refuses or does not work, and measures the rest", async () => {
    const observer = loggingObserver();
    const targets = [
      fakeTarget("native", SEED, steady),
      fakeTarget("absent", SEED, { ...steady, unavailable: "it is not installed" }),
      fakeTarget("choosy", SEED, { ...steady, refuses: "it runs no fakes" }),
      fakeTarget("broken", SEED, { takesNs: () => undefined }),
    ];
    const { manifest, samples } = await runLab(options({ targets, observer, plan: { blocks: 1 } }));
    expect(manifest.notRun.map(({ target, workload, reason }) => [target, workload, reason])).toEqual([
      ["absent", null, "it is not installed"],
      ["choosy", "one", "it runs no fakes"],
      ["broken", "one", "a fake failure"],
    ]);
    expect(observer.lines.filter((line) => line.startsWith("not run")).length).toBe(3);
    expect(samples.every(({ target }) => target === "native")).toBe(true);
    expect(manifest.targets.map(({ name }) => name)).toEqual(["native"]);
  });

  it("ends a target that hangs by its time limit, and stops its instance", async () => {
    const hanging = fakeTarget("hanging", SEED, { ...steady, hangs: true });
    const targets = [fakeTarget("native", SEED, steady), hanging];
    const { manifest } = await runLab(options({ targets, plan: { blocks: 1, sampleLimitMs: 100 } }));
    expect(manifest.notRun).toMatchObject([{ target: "hanging", reason: "took longer than 0.1 s" }]);
    expect(manifest.notRun[0]?.mend).toContain("--budget");
    expect(hanging.log).toMatchObject({ started: 1, stopped: 1 });
  });

  it("sets a target aside that fails three times in a row, and keeps its failures", async () => {
    let turn = 0;
    const flaky = fakeTarget("flaky", SEED, { takesNs: () => (++turn > 3 ? undefined : 1e6) });
    const targets = [fakeTarget("native", SEED, steady), flaky];
    const { samples } = await runLab(options({ targets, plan: { blocks: 10 } }));
    const own = samples.filter(({ target }) => target === "flaky");
    expect(own.map(({ failure }) => failure)).toEqual([null, null, ...new Array(3).fill("a fake failure")]);
    expect(own.at(-1)?.values).toBeNull();
    expect(samples.filter(({ target }) => target === "native").length).toBe(20);
  });

  it("ends when the budget is spent, at a whole block", async () => {
    const slow: FakeBehaviour = { takesNs: () => 1e6 };
    const target = fakeTarget("native", SEED, slow);
    const workload = { ...fakeWorkload("one"), sample: delayed(fakeWorkload("one"), 40) };
    const { samples, manifest } = await runLab(
      options({ targets: [target], workloads: [workload], plan: { blocks: 30, budgetMs: 500 } }),
    );
    expect(manifest.ended?.why).toBe("budget");
    expect(samples.length % 2).toBe(0);
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.length).toBeLessThan(500 / 40);
  });

  it("keeps a quick run's budget however many targets there are, with native and the process engine first", async () => {
    const clock: FakeClock = { ms: 0 };
    const lasting = (name: string, lastsMs: number) => fakeTarget(name, SEED, { ...steady, lastsMs }, clock);
    const others = Array.from({ length: 20 }, (_, index) => lasting(`other-${index}`, 300 * (index + 1)));
    const targets = [lasting("native", 200), ...others, lasting("process", 700)];
    const workloads = ["one", "two", "three", "four"].map(fakeWorkload);
    const { manifest, samples } = await runLab(
      options({ targets, workloads, plan: { ...DEFAULTS.quick }, now: () => clock.ms }),
    );
    expect(clock.ms).toBeLessThanOrEqual(DEFAULTS.quick.budgetMs);
    // Not by doing nothing.
    expect(clock.ms).toBeGreaterThan(DEFAULTS.quick.budgetMs / 2);
    for (const { name } of workloads) {
      for (const target of ["native", "process"]) {
        const own = samples.filter((sample) => sample.workload === name && sample.target === target && !sample.again);
        expect(own.length, `${name} on ${target}`).toBe(DEFAULTS.quick.blocks);
      }
    }
    const listed = new Set(manifest.notRun.map(({ workload, target }) => `${workload} ${target}`));
    const measured = new Set(samples.map(({ workload, target }) => `${workload} ${target}`));
    expect(listed.size + measured.size).toBe(targets.length * workloads.length);
    for (const { reason, mend } of manifest.notRun) expect([reason, mend].join()).toMatch(/budget|too?k/);
  });

  it("leaves nothing where it is ended before the first block", async () => {
    const abort = new AbortController();
    abort.abort(new Error("the user"));
    await expect(runLab(options({ signal: abort.signal }))).rejects.toThrow("the user");
    expect(existsSync(output)).toBe(false);
  });
});

/** A workload's sample that takes so long at least. */
function delayed({ sample }: ReturnType<typeof fakeWorkload>, ms: number): typeof sample {
  return async (taking) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return sample(taking);
  };
}

describe("a run that was ended", () => {
  const targets = () => [fakeTarget("native", SEED, steady), fakeTarget("other", SEED, steady)];
  const workloads = [fakeWorkload("one"), fakeWorkload("two")];
  const SAMPLES = 4 * 3 * 2;

  /** Ends a run when it has so many samples. */
  async function endAfter(samples: number): Promise<StoredResult> {
    const abort = new AbortController();
    let taken = 0;
    const observer = loggingObserver(() => {
      if (++taken === samples) abort.abort(new Error("the user"));
    });
    return runLab(options({ targets: targets(), workloads, observer, signal: abort.signal, plan: { blocks: 4 } }));
  }

  it("is gone on with at any point, and takes every block in the same order as one that was not", async () => {
    const whole = await runLab(
      options({ targets: targets(), workloads, output: `${output}-whole`, plan: { blocks: 4 } }),
    );
    for (let samples = 1; samples < SAMPLES; samples++) {
      output = join(folder, `ended-after-${samples}`);
      const ended = await endAfter(samples);
      expect(ended.manifest.ended?.why).toBe("interrupted");
      expect(ended.samples.length).toBe(samples);
      const result = await runLab(
        options({ targets: targets(), workloads, plan: { blocks: 4 }, earlier: readResult(output) }),
      );
      expect(result.manifest.ended?.why).toBe("settled");
      expect(readResult(output).samples).toEqual(result.samples);
      const complete = [...turnsOf(result.samples)].filter(([, names]) => names.length === 3);
      expect(complete.map(([key]) => key.split(" ").slice(0, 2).join(" ")).sort()).toEqual(
        [...turnsOf(whole.samples).keys()].map((key) => key.split(" ").slice(0, 2).join(" ")).sort(),
      );
      for (const [key, names] of complete.filter(([key]) => key.endsWith(" 0"))) {
        expect(names).toEqual(turnsOf(whole.samples).get(key));
      }
    }
  });

  it("loses the line that was being written, and no other", async () => {
    const ended = await endAfter(5);
    const path = join(output, "samples.jsonl");
    appendFileSync(path, JSON.stringify(ended.samples[4]).slice(0, 100));
    expect(readResult(output).samples).toEqual(ended.samples);
    await runLab(options({ targets: targets(), workloads, plan: { blocks: 4 }, earlier: readResult(output) }));
    const lines = readFileSync(path, "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line)).slice(0, 5)).toEqual(ended.samples);
    expect(readdirSync(output).sort()).toEqual(["manifest.json", "samples.jsonl"]);
  });

  it("is refused where its files are not of a run", async () => {
    await endAfter(5);
    const path = join(output, "samples.jsonl");
    const text = readFileSync(path, "utf8");
    for (const [spoiled, says] of [
      [`{}\n${text}`, "line 1 is not a sample"],
      [`${text}not JSON\n`, "line 6 is not a sample"],
      [text.replace('"block":0', '"block":-1'), "line 1 is not a sample"],
      [text.replace('"time":1000000', '"time":"many"'), "line 1 is not a sample"],
    ] as const) {
      writeFileSync(path, spoiled);
      expect(() => readResult(output)).toThrow(says);
    }
    writeFileSync(path, text);
    expect(readResult(output).samples.length).toBe(5);
    writeFileSync(join(output, "manifest.json"), "{}");
    expect(() => readResult(output)).toThrow("not of this Skiff's format");
    expect(() => readResult(join(output, "nowhere"))).toThrow("holds no result");
  });
});
