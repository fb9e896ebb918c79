import { PRIME } from "./prime.ts";
import type { Workload } from "./workload.ts";

/** All workloads, in the order of a report's columns. A new one is one import and one word here. */
export const WORKLOADS: readonly Workload[] = [PRIME];
