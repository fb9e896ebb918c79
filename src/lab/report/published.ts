import armUkvm from "../published/arm-ukvm.json" with { type: "json" };
import cloudKernels from "../published/cloudkernels.json" with { type: "json" };
import eucnc from "../published/eucnc-2018.json" with { type: "json" };
import firecracker from "../published/firecracker-2020.json" with { type: "json" };
import isca from "../published/isca-2016.json" with { type: "json" };
import lightvm from "../published/lightvm-2017.json" with { type: "json" };
import socc from "../published/socc-2018.json" with { type: "json" };
import unikraft from "../published/unikraft-2021.json" with { type: "json" };

/** A study whose numbers are shown beside one's own. */
export interface Study {
  readonly study: string;
  readonly source: string;
  readonly method: string;
  readonly numbers: readonly PublishedNumber[];
}

export interface PublishedNumber {
  readonly what: string;
  readonly on: string;
  /** One number, or the ends of a range. */
  readonly value: number | readonly number[];
  readonly unit: string;
  readonly mark: Mark;
  /** What it can be drawn beside; only where the study tells its own native number, or the difference to it. */
  readonly topic?: Topic;
  /** To native in the same study. */
  readonly ratios?: readonly number[];
}

/**
 * How far a number can be trusted: S stands in the study's text, R was read in its artifact or off a figure, P stands in
 * its abstract, M is from memory and was not verified.
 */
export type Mark = "S" | "R" | "P" | "M";

export const MARK_MEANINGS: Readonly<Record<Mark, string>> = {
  S: "stands in the study's text",
  R: "read in its artifact, or off a figure",
  P: "stands in its abstract",
  M: "from memory, not verified",
};

export type Topic = "cpu" | "memory-bandwidth" | "throughput" | "redis-set" | "redis-get" | "web";

export const STUDIES: readonly Study[] = [
  isca,
  eucnc,
  cloudKernels,
  armUkvm,
  firecracker,
  unikraft,
  lightvm,
  socc,
] as readonly Study[];

/** Workloads and metrics of the lab that a topic can be compared with: each by the beginning of its name. */
export const TOPICS: readonly { readonly topic: Topic; readonly workload: RegExp; readonly metric: RegExp }[] = [
  { topic: "cpu", workload: /^(prime|sysbench)/, metric: /./ },
  { topic: "memory-bandwidth", workload: /^(stream|memory)/, metric: /^(copy|scale|add|triad)/ },
  { topic: "throughput", workload: /^(throughput|iperf)/, metric: /./ },
  { topic: "redis-set", workload: /^(kv|redis)/, metric: /^set/ },
  { topic: "redis-get", workload: /^(kv|redis)/, metric: /^get/ },
  { topic: "web", workload: /^(httpd|nginx|web)/, metric: /^requests/ },
];

/** A published number as a lane of a plot. */
export interface Reference {
  readonly study: string;
  /** e.g. `OSv, x86 (EuCNC 2018 [S])`. */
  readonly label: string;
  readonly ratios: readonly number[];
}

export function referencesFor(workload: string, metric: string): Reference[] {
  const topics = TOPICS.filter((entry) => entry.workload.test(workload) && entry.metric.test(metric));
  return STUDIES.flatMap(({ study, numbers }) =>
    numbers.flatMap(({ topic, ratios, on, mark }) =>
      ratios !== undefined && topics.some((entry) => entry.topic === topic)
        ? [{ study, label: `${on} (${study.split(",")[0]} [${mark}])`, ratios }]
        : [],
    ),
  );
}
