import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseHackbench } from "../../../src/lab/workload/hackbench.ts";
import { parseIperf3 } from "../../../src/lab/workload/iperf3.ts";
import { parsePing } from "../../../src/lab/workload/ping.ts";
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
});
