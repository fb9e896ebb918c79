import type { Instance } from "../instance/instance.ts";
import type { Lack } from "../lack.ts";
import type { Link } from "../network.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";

/**
 * Something to measure. A workload is one file in this folder that exports a `Workload`, and one line in registry.ts;
 * nothing else knows it.
 */
export interface Workload {
  /** As in `--workloads`: lower case, digits, dashes, e.g. `system-call`. Stays the same for good. */
  readonly name: string;
  /** As in a report's heading, e.g. `Start: exec to first output`. */
  readonly title: string;
  /** One sentence: what is done, on what, and what is timed by whose clock. */
  readonly description: string;
  /** What one sample gives; each metric is judged by itself. At least one. */
  readonly metrics: readonly Metric[];
  /** Whether `skiff bench --quick` has it: then a sample takes at most half a second natively. */
  readonly quick: boolean;
  /**
   * Whether one instance serves a client: then targets must offer a network path, every sample gets links, and ratios are
   * taken to native behind a veth, with native over loopback as a row of its own.
   */
  readonly network: boolean;
  /**
   * Finds out whether this host has what the workload needs beside a target, e.g. a client program or a fourth core.
   * Undefined where it has; otherwise the workload is listed as not run with this reason. Not given: nothing is needed.
   */
  readonly lack?: (bench: Workbench) => Promise<Lack | undefined>;
  /** The program that targets are asked to run; the same for all of them, or the numbers could not be compared. */
  readonly program: (scale: Scale, bench: Workbench) => Program;
  /**
   * Takes one sample on fresh instances. Instances that it started are stopped afterwards, whether it throws or not.
   * @throws SampleError where the instance does not do what it should.
   */
  readonly sample: (taking: Taking) => Promise<Values>;
}

/** One number of a sample. */
export interface Metric {
  /** Lower case, digits, dashes, unique in its workload, e.g. `get-p16`. Stays the same for good. */
  readonly name: string;
  /** As in a report, e.g. `GET, pipelining 16`. */
  readonly title: string;
  /** As it stands behind a number: `ms`, `ns`, `µs`, `MB/s`, `requests/s`, `KiB`. */
  readonly unit: string;
  readonly better: "lower" | "higher";
  /**
   * Whether the targets' numbers are judged against native. A metric that says something about the target alone, such as
   * `image-size`, is shown without a verdict.
   */
  readonly compared: boolean;
}

/** Metrics by name: finite numbers, all of the workload's, or fewer where a target has no such row (with `notes`). */
export type Values = Readonly<Record<string, number>>;

/** How large a sample may be. */
export interface Scale {
  /** Natively a sample's timed part should take about this long; below half a second with `--quick`. */
  readonly sampleMs: number;
}

/** What `sample` has at hand. */
export interface Taking {
  readonly scale: Scale;
  readonly bench: Workbench;
  readonly program: Program;
  /**
   * Starts a fresh instance of the program on the target, pinned to the servers' cores.
   * @param cores of the servers' cores, how many it gets; one unless given.
   */
  readonly start: (cores?: number) => Promise<Started>;
  /** The client, on the clients' cores and in the clients' namespace. Its CPU time is watched: 85 % is too much. */
  readonly client: Client;
  /** What is left of the sample's time limit, in milliseconds; the limit for every wait. Throws SampleError at its end. */
  readonly leftMs: () => number;
  /** Says why the target has no number for a metric; kept with the sample. */
  readonly note: (line: string) => void;
}

export interface Started {
  readonly instance: Instance;
  /** Bytes of image or bundle (`Launcher.imageBytes`). */
  readonly imageBytes: number;
  /** There where the workload has `network`. */
  readonly link: Link | undefined;
}

export interface Client {
  /**
   * Runs a client program to its end, within what is left of the sample's time. Its CPU time counts.
   * @param threads with which it makes its load; one unless given.
   * @throws SampleError where it ends with another status than 0.
   */
  readonly run: (path: string, args: readonly string[], threads?: number) => Promise<ClientResult>;
  /** Calls a client that is a function of this process, and blocks: no event loop lies between. Its CPU time counts. */
  readonly call: <Result>(action: () => Result) => Result;
  /** Calls a function in the clients' namespace, e.g. to wait until a server answers; its CPU time does not count. */
  readonly inside: <Result>(action: () => Result) => Result;
}

export interface ClientResult {
  readonly stdout: string;
  readonly stderr: string;
}
