import { afterAll, beforeAll } from "vitest";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../../src/host/probe/manifest.ts";
import { type MadeWorkbench, makeWorkbench } from "../../../src/lab/make-workbench.ts";
import { candidates, makeReady } from "../../../src/lab/survey.ts";
import { type Taken, takeSample } from "../../../src/lab/take-sample.ts";
import type { Target } from "../../../src/lab/target/target.ts";
import type { Workload } from "../../../src/lab/workload/workload.ts";
import { quietMeter } from "../fake-lab.ts";

const SCALE = { sampleMs: 100 };
const LIMIT_MS = 50_000;

/** Takes one short sample on a target, or gives its refusal; on a workbench that goes with the tests of the file. */
export function taker(): (target: Target, workload: Workload) => Promise<Taken | string> {
  let made: MadeWorkbench | undefined;
  beforeAll(async () => {
    made = makeWorkbench(await probeHost(await loadProbeLibc()), "0.0.0");
  });
  afterAll(async () => made?.close());
  return async (target, workload) => {
    if (made === undefined) throw new Error("there is no workbench");
    const { bench } = made;
    const available = await target.probe(bench);
    if (!available.available) throw new Error(available.reason);
    const lack = await workload.lack?.(bench);
    if (lack !== undefined) return lack.reason;
    const survey = { found: [{ target, available }], workloads: [workload] };
    const { candidates: accepted, refused } = candidates(survey, SCALE, bench);
    const [candidate] = accepted;
    if (candidate === undefined) return refused[0]?.reason ?? "left out";
    const row = await makeReady(candidate, bench);
    if (typeof row === "string") throw new Error(row);
    try {
      const { signal } = new AbortController();
      return await takeSample(row, { bench, meter: quietMeter(), scale: SCALE, limitMs: LIMIT_MS, signal });
    } finally {
      await row.launcher.close();
    }
  };
}
