import type { Sample } from "../../src/lab/sample.ts";

/** A sample with everything that a test does not care about filled in. */
export function makeSample(of: Partial<Sample> & Pick<Sample, "block" | "target">): Sample {
  return {
    workload: "prime",
    attempt: 0,
    turn: 0,
    again: false,
    at: "2026-01-01T00:00:00.000Z",
    tookMs: 500,
    path: null,
    values: { event: 1 },
    failure: null,
    notes: [],
    clients: [],
    signals: [],
    conditions: { steal: 0, throttled: 0, frequencyKhz: null, client: null },
    ...of,
  };
}
