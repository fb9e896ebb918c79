import { FIRST_ANSWER } from "./first-answer.ts";
import { LATENCY } from "./latency.ts";
import { MEMORY } from "./memory.ts";
import { PRIME } from "./prime.ts";
import { START } from "./start.ts";
import { SYSTEM_CALL } from "./system-call.ts";
import type { Workload } from "./workload.ts";

/** All workloads, in the order of a report's columns. A new one is one import and one word here. */
export const WORKLOADS: readonly Workload[] = [START, FIRST_ANSWER, PRIME, SYSTEM_CALL, LATENCY, MEMORY];
