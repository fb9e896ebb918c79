import { readdirSync, readFileSync, statSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProbeLibc } from "../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../src/host/probe/manifest.ts";
import { SampleError } from "../../src/lab/lack.ts";
import { type MadeWorkbench, makeWorkbench } from "../../src/lab/make-workbench.ts";
import { candidates, makeReady } from "../../src/lab/survey.ts";
import { type Row, type Taken, takeSample } from "../../src/lab/take-sample.ts";
import { NATIVE, NATIVE_VETH } from "../../src/lab/target/native.ts";
import { SKIFF_PROCESS } from "../../src/lab/target/skiff-process.ts";
import type { Launcher, Target } from "../../src/lab/target/target.ts";
import { DENSITY } from "../../src/lab/workload/density.ts";
import { IMAGE_SIZE } from "../../src/lab/workload/image-size.ts";
import { MEMORY } from "../../src/lab/workload/memory.ts";
import { MEMORY_OF_MANY } from "../../src/lab/workload/memory-of-many.ts";
import type { Workload } from "../../src/lab/workload/workload.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { quietMeter } from "./fake-lab.ts";

const SCALE = { sampleMs: 200 };
const LIMIT_MS = 60_000;

describeWith([root, program("ip", "iproute2")], "workloads of several instances", () => {
  let made: MadeWorkbench;
  beforeAll(async () => {
    made = makeWorkbench(await probeHost(await loadProbeLibc()), "0.0.0");
  });
  afterAll(async () => made.close());

  /** Takes one sample, and leaves no child and no interface behind. */
  async function take(target: Target, workload: Workload, change = (launcher: Launcher) => launcher): Promise<Taken> {
    const { bench } = made;
    const available = await target.probe(bench);
    if (!available.available) throw new Error(available.reason);
    const [candidate] = candidates({ found: [{ target, available }], workloads: [workload] }, SCALE, bench).candidates;
    if (candidate === undefined) throw new Error(`${target.name} refuses ${workload.name}`);
    const before = traces();
    const ready = await makeReady(candidate, bench);
    if (typeof ready === "string") throw new Error(ready);
    const row: Row = { ...ready, launcher: change(ready.launcher) };
    const { signal } = new AbortController();
    const taken = await takeSample(row, { bench, meter: quietMeter(), scale: SCALE, limitMs: LIMIT_MS, signal });
    expect(traces()).toEqual(before);
    return taken;
  }

  function traces(): readonly string[] {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
    const interfaces = made.bench.network?.client.inside(() => readFileSync("/proc/self/net/dev", "utf8")) ?? "";
    return [...children, ...interfaces.split("\n").map((line) => line.split(":")[0]?.trim() ?? "")];
  }

  test("density goes on to a declared limit, and says which", async () => {
    const { values, failure, notes } = await take(SKIFF_PROCESS, DENSITY);
    expect(failure).toBeNull();
    expect(values?.["instances"]).toBeGreaterThanOrEqual(1);
    expect(values?.["instances"]).toBeLessThanOrEqual(128);
    expect(notes.join()).toMatch(/^after \d+: the time limit is reached$|^the limit of 128 is reached$/);
  });

  test("density ends with the first instance that fails", async () => {
    let starts = 0;
    const { values, notes } = await take(SKIFF_PROCESS, DENSITY, (launcher) => ({
      ...launcher,
      start: async (options) => {
        if (++starts > 3) throw new SampleError("no more room");
        return launcher.start(options);
      },
    }));
    expect(values).toEqual({ instances: 3 });
    expect(notes).toEqual(["after 3: no more room"]);
    expect(starts).toBe(4);
  });

  test("density counts only what still answers", async () => {
    let starts = 0;
    let dying: { readonly stop: () => Promise<void> } | undefined;
    const { values } = await take(NATIVE_VETH, DENSITY, (launcher) => ({
      ...launcher,
      start: async (options) => {
        if (++starts > 4) throw new SampleError("no more room");
        const instance = await launcher.start(options);
        // The second one dies once the third is there.
        if (starts === 2) dying = instance;
        if (starts === 3) await dying?.stop();
        return instance;
      },
    }));
    expect(values).toEqual({ instances: 3 });
  });

  test("a fleet's memory is that of each of many, no more than of one alone", async () => {
    const [one, many] = [await take(SKIFF_PROCESS, MEMORY), await take(SKIFF_PROCESS, MEMORY_OF_MANY)];
    expect(many.failure).toBeNull();
    expect(many.values?.["each"]).toBeGreaterThan(100);
    expect(many.values?.["each"]).toBeLessThanOrEqual(1.1 * (one.values?.["proportional"] ?? 0));
  });

  test("several servers on one loopback are refused, as they cannot have the same port", async () => {
    expect((await take(NATIVE, MEMORY_OF_MANY)).failure).toBe(
      "on one loopback there is room for one such server alone",
    );
  });

  test("the image's size is that of what was started", async () => {
    const folder = "guests/native";
    const sizes = readdirSync(folder).map((name) => statSync(`${folder}/${name}/hello`).size / 1024);
    expect(sizes).toContain((await take(NATIVE, IMAGE_SIZE)).values?.["size"]);
  });
});
