import { describe, expect, it } from "vitest";
import { meanSpeedOver, type Runners, speedTargets } from "../../bench/emulator/compute.ts";
import { KERNELS, type Kernel, parseRepeats, type Repeat } from "../../bench/emulator/kernels.ts";
import { parseOptions } from "../../bench/emulator/options.ts";
import type { Runner } from "../../bench/emulator/runners.ts";
import { fewerRounds, roundsFor, steadyNsPerRound, timeToHalfSpeedNs } from "../../bench/emulator/summary.ts";
import { compare } from "../../bench/support/compare.ts";
import { geometricMean } from "../../bench/support/statistics.ts";

const LINE = "sieve: rounds=20 checksum=c848042a49763860 at=7216 ns=45104224";

/** Repeats that take so long each, of ten rounds, without a pause between them. */
function repeats(...times: readonly number[]): readonly [Repeat, ...Repeat[]] {
  const lines = times.map((ns, index): Repeat => {
    const atNs = times.slice(0, index).reduce((sum, time) => sum + time, 0);
    return { rounds: 10, checksum: "", atNs, ns };
  });
  return lines as [Repeat, ...Repeat[]];
}

describe("a guest's lines", () => {
  it("are read, with the line ends of a serial port, too", () => {
    const [first, ...others] = parseRepeats("sieve", `${LINE}\r\n${LINE.replace("at=7216", "at=9")}\r\n`);
    expect(first).toEqual({ rounds: 20, checksum: "c848042a49763860", atNs: 7216, ns: 45_104_224 });
    expect(others).toEqual([{ ...first, atNs: 9 }]);
  });

  it("are refused where they are another kernel's, another text or none", () => {
    expect(() => parseRepeats("mark", LINE)).toThrow("mark printed: sieve");
    expect(() => parseRepeats("sieve", `${LINE}\nand more`)).toThrow("sieve printed: and more");
    expect(() => parseRepeats("sieve", "\n")).toThrow("sieve printed");
  });
});

describe("a guest's times", () => {
  it("count from the second repeat on, by round, where there is one", () => {
    expect(steadyNsPerRound(repeats(9000, 100, 300, 200))).toBe(20);
    expect(steadyNsPerRound(repeats(9000))).toBe(900);
  });

  it("tell when it was first as fast as half of its final speed, twice in a row", () => {
    expect(timeToHalfSpeedNs(repeats(500, 150, 300, 190, 100, 100, 100, 100))).toBe(950);
    expect(timeToHalfSpeedNs(repeats(100, 100, 100, 100))).toBe(0);
    expect(timeToHalfSpeedNs(repeats(800, 100))).toBe(800);
  });

  it("give the rounds that take so long", () => {
    const asked: number[] = [];
    const rounds = roundsFor(1000, (count) => {
      asked.push(count);
      return 5 * count;
    });
    expect(rounds).toBe(200);
    expect(asked).toEqual([1, 4, 16, 64]);
    expect(roundsFor(1000, () => 5000)).toBe(1);
  });

  it("give fewer rounds where those take too long", () => {
    expect(fewerRounds(200, (rounds) => rounds / 50)).toBe(50);
    expect(fewerRounds(200, () => 0.5)).toBe(200);
    expect(fewerRounds(200, () => 1000)).toBe(1);
  });
});

it("averages ratios so that a ratio and its inverse even out", () => {
  expect(geometricMean([4, 0.25, 8, 1])).toBeCloseTo(8 ** 0.25, 12);
});

describe("speeds", () => {
  const runner = (name: string) => ({ name }) as Runner;
  const [user, system, native] = ["user", "system", "native"].map(runner) as [Runner, Runner, Runner];
  const [skiff, interpreter] = [runner("skiff") as Runners["skiff"], runner("interpreter")];
  const runners: Runners = { skiff, user, system, native, interpreter, counted: skiff, counter: system };
  const measured = (kernel: Kernel, times: Readonly<Record<string, number>>) => {
    const contenders = Object.entries(times).map(([name, ns]) => ({ name, measure: () => ns }));
    const translatedShare = kernel === "mark" ? 0.5 : 1;
    return {
      kernel,
      rounds: 1,
      instructionsPerRound: 600,
      translatedShare,
      wholeNs: {},
      comparison: compare(contenders, 3, 0),
    };
  };
  const both = [
    measured("sieve", { skiff: 100, user: 400, system: 100, native: 50, interpreter: 6000 }),
    measured("mark", { skiff: 100, user: 25, system: 900, native: 10, interpreter: 1500 }),
  ];

  it("are how often faster Skiff is, over all kernels alike", () => {
    expect(meanSpeedOver(both, runners, user)).toMatchObject({ of: "user", to: "skiff", median: 1 });
    expect(meanSpeedOver(both, runners, system).median).toBeCloseTo(3, 12);
  });

  it("are held against what they must reach", () => {
    const [mean, worst, overSystem, overNative, interpreted, translated] = speedTargets(both, runners);
    expect(mean).toMatchObject({ value: 1, limit: 1.3, isLeast: true });
    expect(worst).toMatchObject({ value: 0.25, limit: 0.5, isLeast: true });
    expect(overSystem).toMatchObject({ limit: 1.3, isLeast: true });
    expect(overNative?.value).toBeCloseTo(20 ** 0.5, 12);
    expect(overNative).not.toHaveProperty("isLeast");
    expect(interpreted?.value).toBeCloseTo(200, 9);
    expect(translated).toMatchObject({ value: 0.5, limit: 0.99, isLeast: true });
  });
});

describe("options", () => {
  it("name kernels, which are measured in their own order", () => {
    expect(parseOptions(["--kernel", "mark", "--kernel", "chase"])).toEqual({
      kernels: ["chase", "mark"],
      isQuick: false,
    });
    expect(parseOptions(["--quick"])).toMatchObject({ isQuick: true });
    expect(parseOptions([])).toEqual({ kernels: KERNELS, isQuick: false });
  });

  it("are refused where they are unknown", () => {
    expect(parseOptions(["--kernel", "prime"])).toMatch(/^there is no kernel 'prime'; there are sieve, .*mark$/);
    expect(parseOptions(["--quick", "--slow"])).toMatch(/^--slow is not understood/);
    expect(parseOptions(["--quick", "--kernel"])).toMatch(/^--kernel is not understood/);
    expect(parseOptions(["--kernel", "mark", "chase"])).toMatch(/^chase is not understood/);
    expect(parseOptions(["--kernel", "--kernel"])).toMatch(/^there is no kernel '--kernel'/);
  });
});
