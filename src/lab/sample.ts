import type { NetworkPath } from "./network.ts";

/**
 * One line of samples.jsonl: one target's turn in one block of one workload. Lines are only ever appended; a line without
 * its line end is the last of a killed run and does not count.
 */
export interface Sample {
  readonly workload: string;
  /** Counted from 0, for each workload. */
  readonly block: number;
  /** Of a block that a killed run left incomplete, the highest attempt counts, from 0. */
  readonly attempt: number;
  /** Place in the block's random order, from 0. */
  readonly turn: number;
  /** A target's name. */
  readonly target: string;
  /** The second time that the baseline is measured in this block, for the noise floor. */
  readonly again: boolean;
  /** Wall clock at its start, ISO 8601 in UTC. */
  readonly at: string;
  /** How long it took as a whole, start and stop included. */
  readonly tookMs: number;
  /** The network path; null for a workload without network. */
  readonly path: NetworkPath | null;
  /** By metric; null where the sample failed. */
  readonly values: Readonly<Record<string, number>> | null;
  /** Why it failed, one line; null where it did not. */
  readonly failure: string | null;
  /** Lines about single metrics. */
  readonly notes: readonly string[];
  /** Command lines of the client programs that were run. */
  readonly clients: readonly string[];
  /** Declared reasons to set the block aside for this target; empty for nearly all. */
  readonly signals: readonly Signal[];
  readonly conditions: Conditions;
}

/**
 * What makes a measurement worthless, declared before it is taken (signals.ts has the limits): processor time that the
 * hypervisor gave to others, a processor slowed down by heat or a quota, a lower clock frequency, a client that has no
 * time left.
 */
export type Signal = "steal" | "throttled" | "frequency" | "client";

export const SIGNALS: readonly Signal[] = ["steal", "throttled", "frequency", "client"];

/** What the signals were judged by. */
export interface Conditions {
  /** Share of the cores' time in use that the hypervisor gave to others, 0 to 1. */
  readonly steal: number;
  /** Events of heat or quota during the sample. */
  readonly throttled: number;
  /** Of the server's first core after the sample; null where the kernel does not tell. */
  readonly frequencyKhz: number | null;
  /** Share of its time that the client's busiest thread was running, 0 to 1; null without a client. */
  readonly client: number | null;
}
