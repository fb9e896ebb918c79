import { SampleError } from "../lack.ts";
import { untilAccepts } from "./accepting.ts";
import { linkOf } from "./echo.ts";
import { pathOf } from "./installed.ts";
import type { Metric, Taking, Values } from "./workload.ts";

const PIPELININGS = [1, 16] as const;
const LRANGES = ["LRANGE_100", "LRANGE_300", "LRANGE_500", "LRANGE_600"] as const;
/** All default tests of redis-benchmark 7.0, in its order. */
const SHORT_TESTS = [
  "PING_INLINE",
  "PING_MBULK",
  "SET",
  "GET",
  "INCR",
  "LPUSH",
  "RPUSH",
  "LPOP",
  "RPOP",
  "SADD",
  "HSET",
  "SPOP",
  "ZADD",
  "ZPOPMIN",
  "MSET",
] as const;
/** `-t` names both PING tests by one word. */
const SHORT_NAMES = ["ping", ...SHORT_TESTS.slice(2).map((test) => test.toLowerCase())].join(",");
const LONG_NAMES = LRANGES.map((test) => test.toLowerCase()).join(",");

/** A short test then takes about a fifteenth of the sample's time at each pipelining. */
const REQUESTS_PER_MS = 2;
/** The list that LRANGE reads is as long as there are requests; the longest test reads so much of it. */
const LONG_REQUESTS_MIN = 600;
const LONG_REQUESTS_PER_MS = 0.6;

/** How all of these tests are done, for descriptions. */
export const REDIS_BENCHMARK_METHOD =
  "all its default tests, pipelining 1 and 16, over one connection: more of them take a single-threaded client to its limit before the server; timed by its clock.";

export const REDIS_BENCHMARK_METRICS: readonly Metric[] = PIPELININGS.flatMap((pipelining) =>
  [...SHORT_TESTS, ...LRANGES].map((test) => ({
    name: metricOf(test, pipelining),
    title: pipelining === 1 ? test : `${test}, pipelining ${pipelining}`,
    unit: "requests/s",
    better: "higher",
    compared: true,
  })),
);

function metricOf(test: string, pipelining: number): string {
  return `${test.toLowerCase().replaceAll("_", "-")}-p${pipelining}`;
}

/** Starts the server and has redis-benchmark measure it. */
export async function sampleRedisBenchmark(taking: Taking, port: number): Promise<Values> {
  const started = await taking.start();
  await untilAccepts(taking, started, port);
  const { sampleMs } = taking.scale;
  const values: Record<string, number> = {};
  for (const pipelining of PIPELININGS) {
    // It takes its own end for a lost connection where requests are left over from the last batch.
    const batches = (requests: number) => pipelining * Math.max(1, Math.ceil(requests / pipelining));
    const short = batches(sampleMs * REQUESTS_PER_MS * pipelining);
    const long = batches(Math.max(LONG_REQUESTS_MIN, sampleMs * LONG_REQUESTS_PER_MS));
    for (const [tests, requests] of [[SHORT_NAMES, short] as const, [LONG_NAMES, long] as const]) {
      const address = ["-h", linkOf(started).serverAddress, "-p", String(port)];
      const load = ["-c", "1", "-P", String(pipelining), "-n", String(requests), "-t", tests];
      const { stdout } = await taking.client.run(pathOf("redis-benchmark"), [...address, ...load, "--csv"]);
      for (const [test, rate] of parseRedisBenchmark(stdout)) values[metricOf(test, pipelining)] = rate;
    }
  }
  return values;
}

/**
 * Requests a second by test, e.g. `LRANGE_100` (`redis-benchmark --csv`). The list that it makes for LRANGE is no test.
 * @throws SampleError where a line is not as it should be.
 */
export function parseRedisBenchmark(output: string): Map<string, number> {
  const [head, ...lines] = output.trim().split("\n");
  if (head === undefined || !head.startsWith('"test","rps"')) {
    throw new SampleError(`redis-benchmark tells no tests: ${output}`);
  }
  return new Map(
    lines
      .filter((line) => !line.includes("(needed to benchmark"))
      .map((line): [string, number] => {
        const [, test, rps] = /^"(\w+)[^"]*","([\d.]+)"/.exec(line) ?? [];
        if (test === undefined || !(Number(rps) > 0)) throw new SampleError(`redis-benchmark says: ${line}`);
        return [test, Number(rps)];
      }),
  );
}
