import type { Ending, NotRun } from "./manifest.ts";
import type { Sample } from "./sample.ts";

/** What a run tells about its progress. Calls must return soon: they happen between samples. */
export interface Observer {
  /** A target or workload that is asked for will not be measured. */
  readonly notRun: (entry: NotRun) => void;
  /** Before the first block each row is tried once. */
  readonly trying: (workload: string, target: string) => void;
  readonly begins: (progress: Progress) => void;
  readonly sampled: (sample: Sample, progress: Progress) => void;
  /** A workload needs no further blocks. */
  readonly settled: (workload: string, blocks: number) => void;
  readonly ended: (why: Ending) => void;
}

export interface Progress {
  /** Samples taken, and still to take if no workload settles before. */
  readonly done: number;
  readonly left: number;
  /** What is left will take about so long; never more than what is left of the budget. */
  readonly leftMs: number;
}
