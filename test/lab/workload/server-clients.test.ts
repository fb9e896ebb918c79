import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseRedisBenchmark, REDIS_BENCHMARK_METRICS } from "../../../src/lab/workload/redis-benchmark.ts";
import { parseWrk } from "../../../src/lab/workload/wrk.ts";

/** What a program of Debian 12 wrote: `recorded/NAME.txt`. */
function recorded(name: string): string {
  return readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), "utf8");
}

describe("redis-benchmark 7.0.15, --csv", () => {
  test("all default tests, each once, and no other", () => {
    const tests = parseRedisBenchmark(recorded("redis-benchmark"));
    const names = [...tests.keys()].map((name) => `${name.toLowerCase().replaceAll("_", "-")}-p1`);
    const metrics = REDIS_BENCHMARK_METRICS.map(({ name }) => name);
    expect(names.sort()).toEqual(metrics.filter((name) => name.endsWith("-p1")).sort());
    expect(metrics).toHaveLength(2 * names.length);
  });

  test("requests a second; making the list for LRANGE is no test of LPUSH", () => {
    const tests = parseRedisBenchmark(recorded("redis-benchmark"));
    expect(tests.get("SET")).toBe(45454.55);
    expect(tests.get("LPUSH")).toBe(37037.04);
    expect(tests.get("LRANGE_600")).toBe(9523.81);
    expect(tests.get("MSET")).toBe(41666.67);
    expect([...parseRedisBenchmark(recorded("redis-benchmark-some"))]).toEqual([
      ["SET", 3876.92],
      ["LRANGE_100", 3891.89],
      ["LRANGE_300", 3937.5],
    ]);
  });

  test("anything else is refused", () => {
    expect(() => parseRedisBenchmark("")).toThrow("tells no tests");
    expect(() => parseRedisBenchmark('"test","rps"\n"SET","inf"\n')).toThrow('redis-benchmark says: "SET","inf"');
    expect(() => parseRedisBenchmark('"test","rps"\nERR unknown command\n')).toThrow("ERR unknown command");
  });
});

describe("wrk 4.1.0", () => {
  test("requests a second, with keep-alive and without", () => {
    expect(parseWrk(recorded("wrk"))).toBe(35304.45);
    expect(parseWrk(recorded("wrk-close"))).toBe(9599.81);
  });

  test("requests that failed are no result", () => {
    expect(() => parseWrk(recorded("wrk-not-found"))).toThrow("wrk tells Non-2xx or 3xx responses: 45047");
    expect(() => parseWrk(recorded("wrk-errors"))).toThrow("wrk tells Socket errors: connect 0, read ");
    expect(() => parseWrk("unable to connect to 10.0.0.2:80 Connection refused")).toThrow("wrk tells no requests");
  });
});
