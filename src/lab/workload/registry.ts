import { DENSITY } from "./density.ts";
import { FIRST_ANSWER } from "./first-answer.ts";
import { HACKBENCH } from "./hackbench.ts";
import { IMAGE_SIZE } from "./image-size.ts";
import { IPERF3 } from "./iperf3.ts";
import { KV } from "./kv.ts";
import { KV_REDIS_BENCHMARK } from "./kv-redis-benchmark.ts";
import { LATENCY } from "./latency.ts";
import { MEMORY } from "./memory.ts";
import { MEMORY_OF_MANY } from "./memory-of-many.ts";
import { NGINX } from "./nginx.ts";
import { PING } from "./ping.ts";
import { PRIME } from "./prime.ts";
import { REDIS } from "./redis.ts";
import { START } from "./start.ts";
import { STREAM, STREAM_4, STREAM_8, STREAM_INTEGER } from "./stream.ts";
import { SYSBENCH } from "./sysbench.ts";
import { SYSTEM_CALL } from "./system-call.ts";
import { THROUGHPUT } from "./throughput.ts";
import { TRANSITIONS } from "./transitions.ts";
import { WEB } from "./web.ts";
import type { Workload } from "./workload.ts";

/**
 * All workloads, in the order of a report's columns. A new one is one import and one word here. Those with the longest
 * samples are last: rows are tried in this order while the budget lasts.
 */
export const WORKLOADS: readonly Workload[] = [
  START,
  FIRST_ANSWER,
  PRIME,
  SYSBENCH,
  STREAM,
  STREAM_4,
  STREAM_8,
  STREAM_INTEGER,
  SYSTEM_CALL,
  TRANSITIONS,
  HACKBENCH,
  LATENCY,
  PING,
  THROUGHPUT,
  IPERF3,
  KV,
  WEB,
  NGINX,
  IMAGE_SIZE,
  MEMORY,
  MEMORY_OF_MANY,
  DENSITY,
  KV_REDIS_BENCHMARK,
  REDIS,
];
