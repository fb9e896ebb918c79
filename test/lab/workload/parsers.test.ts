import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseHackbench } from "../../../src/lab/workload/hackbench.ts";
import { parseIperf3 } from "../../../src/lab/workload/iperf3.ts";
import { parsePing } from "../../../src/lab/workload/ping.ts";
import { parseStream, repetitionsFor } from "../../../src/lab/workload/stream.ts";
import { lackOfMemory, lastLevelCacheBytes } from "../../../src/lab/workload/stream-size.ts";
import { parseSysbench } from "../../../src/lab/workload/sysbench.ts";
import { parseDiscard } from "../../../src/lab/workload/throughput.ts";

/** What a program of Debian 12 wrote: `recorded/NAME.txt`. */
function recorded(name: string): string {
  return readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), "utf8");
}

describe("what programs wrote is read", () => {
  test("sysbench 1.0.20: 774.87 events per second", () => {
    expect(parseSysbench(recorded("sysbench"))).toBeCloseTo(1e6 / 774.87, 6);
    expect(() => parseSysbench("FATAL: Cannot find benchmark")).toThrow("sysbench tells no events per second");
    expect(() => parseSysbench("    events per second:     0.00\n")).toThrow("no events per second");
  });

  test("hackbench 2.40: 0.054 s for 4 groups of 20 senders, 20 messages to each of 20 receivers", () => {
    expect(parseHackbench(recorded("hackbench"))).toBeCloseTo((0.054 * 1e6) / (4 * 20 * 20 * 20), 9);
    expect(() => parseHackbench("fork(): Resource temporarily unavailable\n")).toThrow("hackbench tells no time");
  });

  test("ping of iputils: each answer's time, in order", () => {
    const times = parsePing(recorded("ping"));
    expect(times).toHaveLength(20);
    expect(times.slice(0, 6)).toEqual([0.017, 0.015, 0.014, 0.015, 0.011, 0.002]);
    expect(Math.min(...times)).toBe(0.002);
    expect(Math.max(...times)).toBe(0.017);
    expect(() => parsePing(recorded("ping-unanswered"))).toThrow("ping has no answers");
  });

  test("iperf3 3.12: what was received, either way", () => {
    expect(parseIperf3(recorded("iperf3"))).toBeCloseTo(11586423005.239372 / 8e6, 6);
    expect(parseIperf3(recorded("iperf3-reverse"))).toBeCloseTo(3961529634.6613874 / 8e6, 6);
    expect(() => parseIperf3(recorded("iperf3-refused"))).toThrow("unable to connect to server: Connection refused");
    expect(() => parseIperf3("iperf3: parameter error")).toThrow("no JSON");
    expect(() => parseIperf3("null")).toThrow("iperf3 tells nothing received");
  });

  test("the kit's discard service", () => {
    expect(parseDiscard("1048576\n")).toBe(1048576);
    expect(parseDiscard("1048576 differs at 0\n")).toBe(1048576);
    expect(() => parseDiscard("")).toThrow("the discard service says");
  });

  test("the kit's stream", () => {
    const output = recorded("stream");
    expect(Object.keys(parseStream(output, "stream"))).toEqual(["copy", "scale", "add", "triad"]);
    for (const program of ["stream", "stream-integer"]) {
      for (const [loop, rate] of Object.entries(parseStream(output, program))) {
        // The program divides for itself, too.
        const told = new RegExp(`^${program}: loop=${loop} .* mb_per_s=(\\S+)$`, "m").exec(output)?.[1];
        expect(Math.abs(rate - Number(told))).toBeLessThan(0.1);
      }
    }
    expect(() => parseStream("stream: 4 threads, but there is room for 1", "stream")).toThrow("no bytes in a line");
  });
});

describe("STREAM's arrays", () => {
  const caches: Readonly<Record<string, string>> = {
    "/c/index0/level": "1\n",
    "/c/index0/type": "Data\n",
    "/c/index0/size": "48K\n",
    "/c/index1/level": "1\n",
    "/c/index1/type": "Instruction\n",
    "/c/index1/size": "64K\n",
    "/c/index2/level": "2\n",
    "/c/index2/type": "Unified\n",
    "/c/index2/size": "2048K\n",
    "/c/index3/level": "3\n",
    "/c/index3/type": "Unified\n",
    "/c/index3/size": "32M\n",
  };
  const folders = ["/c/index0", "/c/index1", "/c/index2", "/c/index3"];
  const read = (path: string) => caches[path];

  test("go by the data cache of the highest level", () => {
    expect(lastLevelCacheBytes(folders, read)).toBe(32 * 2 ** 20);
    expect(lastLevelCacheBytes(folders.slice(0, 3), read)).toBe(2 ** 21);
    expect(lastLevelCacheBytes(folders.slice(0, 2), read)).toBe(48 * 1024);
    expect(lastLevelCacheBytes(folders.slice(1, 2), read)).toBeUndefined();
    expect(lastLevelCacheBytes([], read)).toBeUndefined();
  });

  test("need half of the available memory at most", () => {
    const meminfo = "MemTotal:       16000000 kB\nMemAvailable:    8388608 kB\n";
    expect(lackOfMemory(4 * 2 ** 30, meminfo)).toBeUndefined();
    expect(lackOfMemory(4 * 2 ** 30 + 1, meminfo)?.reason).toContain("half of the 8.0 GiB");
  });

  test("are gone through as often as there is time for, twice at least and ten times at most", () => {
    expect(repetitionsFor(2 ** 28, 1000)).toBe(2);
    expect(repetitionsFor(25_000_000, 1000)).toBe(5);
    expect(repetitionsFor(1000, 1000)).toBe(10);
  });
});
