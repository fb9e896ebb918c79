import { lackOfProgram } from "./installed.ts";
import { KV_PORT, kvServer } from "./kv.ts";
import { REDIS_BENCHMARK_METHOD, REDIS_BENCHMARK_METRICS, sampleRedisBenchmark } from "./redis-benchmark.ts";
import type { Workload } from "./workload.ts";

/** What `redis` measures of Redis, of a server that unikernels can run, too. */
export const KV_REDIS_BENCHMARK: Workload = {
  name: "kv-redis-benchmark",
  title: "Key-value server, by redis-benchmark",
  description: `Debian's redis-benchmark asks the kit's key-value server: ${REDIS_BENCHMARK_METHOD}`,
  metrics: REDIS_BENCHMARK_METRICS,
  quick: false,
  network: true,
  lack: async () => lackOfProgram("redis-benchmark", "redis-tools"),
  program: () => kvServer(),
  sample: (taking) => sampleRedisBenchmark(taking, KV_PORT),
};
