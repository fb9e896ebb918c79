import { lackOfProgram, pathOf } from "./installed.ts";
import { REDIS_BENCHMARK_METHOD, REDIS_BENCHMARK_METRICS, sampleRedisBenchmark } from "./redis-benchmark.ts";
import type { Workload } from "./workload.ts";

const PORT = 6379;

/** The server that the studies took. */
export const REDIS: Workload = {
  name: "redis",
  title: "Redis",
  description: `Debian's redis-benchmark asks Debian's redis-server, which keeps all in memory: ${REDIS_BENCHMARK_METHOD}`,
  metrics: REDIS_BENCHMARK_METRICS,
  quick: false,
  network: true,
  lack: async () => lackOfProgram("redis-server", "redis-server") ?? lackOfProgram("redis-benchmark", "redis-tools"),
  program: () => ({
    kind: "host",
    name: "redis",
    path: pathOf("redis-server"),
    args: ["--port", String(PORT), "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no"],
    reads: [],
    memoryMib: 128,
    port: PORT,
  }),
  sample: (taking) => sampleRedisBenchmark(taking, PORT),
};
