import { describe, expect, it } from "vitest";
import { lastAttempts, type Pair, seriesOf } from "../../src/lab/statistics/blocks.ts";
import { cliffsDelta } from "../../src/lab/statistics/cliffs-delta.ts";
import { estimateMedian, estimateRatio } from "../../src/lab/statistics/estimate.ts";
import { chanceOfMiss, LOOKS, looksHad, ranksAtLooks } from "../../src/lab/statistics/looks.ts";
import { geometricMean, median, percentile } from "../../src/lab/statistics/order.ts";
import { isSettled, judge, noiseFloor } from "../../src/lab/statistics/verdict.ts";
import { costText, signedRange, significant, verdictText } from "../../src/lab/statistics/wording.ts";
import { makeSample } from "./make-samples.ts";

describe("order statistics", () => {
  it("takes the middle, or the mean of the two middle ones", () => {
    expect(median([])).toBeUndefined();
    expect(median([3])).toBe(3);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])).toBe(Number.NEGATIVE_INFINITY);
    expect(() => median([1, Number.NaN])).toThrow(RangeError);
  });

  it("takes percentiles by nearest rank", () => {
    const values = [15, 20, 35, 40, 50];
    expect([0, 0.05, 0.3, 0.4, 0.5, 1].map((share) => percentile(values, share))).toEqual([15, 15, 20, 20, 35, 50]);
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0.07, 0.5, 0.99, 0.999].map((share) => percentile(hundred, share))).toEqual([7, 50, 99, 100]);
    expect(percentile([], 0.5)).toBeUndefined();
    expect(() => percentile([1], 99)).toThrow(RangeError);
  });

  it("takes geometric means", () => {
    expect(geometricMean([1, 4, 16])).toBeCloseTo(4, 12);
    expect(geometricMean([])).toBeUndefined();
  });
});

describe("Cliff's delta", () => {
  it("knows apart, alike and in between", () => {
    expect(cliffsDelta([4, 5, 6], [1, 2, 3])).toBe(1);
    expect(cliffsDelta([1, 2, 3], [4, 5, 6])).toBe(-1);
    expect(cliffsDelta([1, 2, 3], [1, 2, 3])).toBe(0);
    // Of nine pairs four above, three below, two alike.
    expect(cliffsDelta([1, 3, 5], [1, 2, 5])).toBeCloseTo((4 - 3) / 9, 12);
    expect(cliffsDelta([], [1])).toBeUndefined();
  });
});

describe("ranks at looks", () => {
  it("agrees with binomial tables where there is one look", () => {
    // 2 P(Bin(n, 1/2) < k): n = 6 0.03125 for k = 1; n = 7 0.0156; n = 9 0.0391 for k = 2; n = 10 0.0215.
    expect([5, 6, 7, 9, 10].map((count) => ranksAtLooks([count])[0])).toEqual([0, 0, 1, 1, 2]);
    expect(chanceOfMiss([10], [2])).toBeCloseTo(22 / 1024, 12);
    expect(chanceOfMiss([20], [6])).toBeCloseTo((2 * 21_700) / 2 ** 20, 12);
  });

  it("spends at most 5 % over the preset looks", () => {
    const ranks = ranksAtLooks(LOOKS);
    expect(ranks).toEqual([2, 3, 5, 9]);
    expect(chanceOfMiss(LOOKS, ranks)).toBeLessThan(0.05);
    expect(chanceOfMiss(LOOKS, ranks)).toBeGreaterThan(0.04);
    // Ranks that are right for one look alone: 9 % in all.
    expect(chanceOfMiss(LOOKS, [2, 4, 6, 10])).toBeGreaterThan(0.07);
  });

  it("keeps to 5 % for whatever number of values set-aside blocks leave", () => {
    for (const counts of [[8, 12, 17, 26], [0, 0, 7, 17], [10, 10, 10, 10], [9, 14], [3]]) {
      expect(chanceOfMiss(counts, ranksAtLooks(counts))).toBeLessThanOrEqual(0.05);
    }
    expect(() => ranksAtLooks([10, 9])).toThrow(RangeError);
  });

  it("takes an early end in place of the next look", () => {
    expect([0, 7, 10, 12, 15, 30].map(looksHad)).toEqual([[], [7], [10], [10, 12], [10, 15], [10, 15, 20, 30]]);
  });
});

describe("estimates", () => {
  const pairs = (ratios: readonly number[]): Pair[] =>
    ratios.map((ratio, block) => ({ block, value: 100 * ratio, baseline: 100 }));

  it("takes the median ratio and its ranks", () => {
    const estimate = estimateRatio(pairs([1.5, 1.1, 1.2, 1.3, 1.4, 1.6, 1.7, 1.8, 1.9, 2]), 10);
    expect(estimate?.ratio).toBeCloseTo(Math.sqrt(1.5 * 1.6), 12);
    expect(estimate?.interval?.[0]).toBeCloseTo(1.2, 12);
    expect(estimate?.interval?.[1]).toBeCloseTo(1.9, 12);
    expect(estimate?.pairs).toBe(10);
  });

  it("gives no interval where there are too few blocks", () => {
    expect(estimateRatio([], 0)).toBeUndefined();
    expect(estimateRatio(pairs([1, 1, 1, 1, 1, 1]), 6)).toMatchObject({ ratio: 1, interval: undefined });
    expect(estimateMedian([5, 1, 2, 3, 4])).toEqual({ median: 3, interval: undefined });
    expect(estimateMedian([7, 1, 2, 3, 4, 5, 6])).toEqual({ median: 4, interval: [1, 7] });
  });

  it("bears zeros", () => {
    const zeros = Array.from({ length: 10 }, (_, block) => ({
      block,
      value: block < 6 ? 0 : 1,
      baseline: block < 3 ? 0 : 1,
    }));
    expect(estimateRatio(zeros, 10)).toMatchObject({ interval: [0, 1] });
  });
});

describe("blocks", () => {
  const of = { workload: "prime", metric: "event", target: "runc", again: false, baseline: "native" };

  it("pairs within a block, and counts what it leaves out", () => {
    const samples = [
      makeSample({ block: 0, target: "native", values: { event: 10 } }),
      makeSample({ block: 0, target: "native", again: true, values: { event: 11 } }),
      makeSample({ block: 0, target: "runc", values: { event: 12 } }),
      makeSample({ block: 1, target: "native", values: { event: 10 }, signals: ["steal"] }),
      makeSample({ block: 1, target: "runc", values: { event: 99 } }),
      makeSample({ block: 2, target: "native", values: { event: 10 } }),
      makeSample({ block: 2, target: "runc", values: null, failure: "hung" }),
      makeSample({ block: 3, target: "native", values: null, failure: "hung" }),
      makeSample({ block: 3, target: "runc", values: { event: 12 } }),
      makeSample({ block: 0, target: "runc", workload: "start", values: { event: 1 } }),
    ];
    expect(seriesOf(samples, of)).toEqual({
      pairs: [{ block: 0, value: 12, baseline: 10 }],
      blocks: 4,
      setAside: 1,
      failed: 1,
      withoutBaseline: 1,
    });
    expect(seriesOf(samples, { ...of, target: "native", again: true }).pairs).toEqual([
      { block: 0, value: 11, baseline: 10 },
    ]);
  });

  it("lets the highest attempt of a block count, also where it lacks what a lower one had", () => {
    const samples = [
      makeSample({ block: 0, attempt: 0, target: "native", values: { event: 1 } }),
      makeSample({ block: 0, attempt: 0, target: "runc", values: { event: 2 } }),
      makeSample({ block: 0, attempt: 1, target: "native", values: { event: 3 } }),
    ];
    expect(lastAttempts(samples).map(({ values }) => values)).toEqual([{ event: 3 }]);
  });
});

describe("verdicts", () => {
  it("speaks only outside of both 2 % and the noise", () => {
    expect(judge([1.18, 1.23], "lower", 0.01)).toBe("cost");
    expect(judge([1.18, 1.23], "lower", 0.2)).toBe("inconclusive");
    expect(judge([1.01, 1.015], "lower", 0.001)).toBe("none");
    expect(judge([1.01, 1.03], "lower", 0.001)).toBe("inconclusive");
    expect(judge([0.8, 0.9], "lower", 0.01)).toBe("gain");
    expect(judge([0.8, 0.9], "higher", 0.01)).toBe("cost");
    expect(judge([1.1, 1.2], "higher", 0.01)).toBe("gain");
    expect(judge([0.98, 1.02], "higher", 0.03)).toBe("none");
    expect(judge([0.98, 1.02], "higher", 0.06)).toBe("inconclusive");
    expect(judge(undefined, "lower", 0.01)).toBe("inconclusive");
    expect(judge([1.18, 1.23], "lower", undefined)).toBe("inconclusive");
  });

  it("takes the far end of native against native for the noise, either way", () => {
    expect(noiseFloor({ ratio: 1, interval: [0.8, 1.1], pairs: 10 })).toBeCloseTo(0.25, 12);
    expect(noiseFloor({ ratio: 1, interval: [0.99, 1.1], pairs: 10 })).toBeCloseTo(0.1, 12);
    expect(noiseFloor({ ratio: 1, interval: undefined, pairs: 3 })).toBeUndefined();
    expect(noiseFloor(undefined)).toBeUndefined();
  });

  it("is settled where the interval is narrow against what it says", () => {
    const settled = (low: number, high: number) =>
      isSettled({ ratio: 1, interval: [low, high], pairs: 10 }, "lower", 0.01);
    expect(settled(1.18, 1.22)).toBe(true);
    expect(settled(1.1, 1.3)).toBe(false);
    expect(settled(40, 60)).toBe(true);
    expect(settled(0.99, 1.01)).toBe(true);
    expect(settled(0.99, 1.05)).toBe(false);
  });

  it("puts them in words", () => {
    expect(verdictText("cost", [1.18, 1.23], "lower")).toBe("costs 18-23 %");
    expect(verdictText("cost", [0.2, 0.25], "higher")).toBe("costs 75-80 %");
    expect(verdictText("cost", [4.12, 4.4], "lower")).toBe("costs 4.12-4.4 times native");
    expect(verdictText("gain", [0.951, 0.966], "lower")).toBe("gains 3.4-4.9 %");
    expect(verdictText("gain", [2.2, 2.6], "higher")).toBe("gains: 2.2-2.6 times native");
    expect(verdictText("none", [0.99, 1.01], "lower")).toBe("no measurable cost");
    expect(verdictText("inconclusive", [0.99, 1.04], "lower")).toBe("inconclusive (-1 to +4 %)");
    expect(verdictText("inconclusive", undefined, "lower")).toBe("inconclusive (too few blocks)");
    expect(signedRange([0.995, 1.004], "higher")).toBe("-0.4 to +0.5 %");
    expect([costText(1.2, "lower"), costText(0.2, "higher"), costText(45.6, "lower"), costText(1, "lower")]).toEqual([
      "+20 %",
      "+80 %",
      "×45.6",
      "0 %",
    ]);
    expect([1234, 45.55, 0.001234, Number.POSITIVE_INFINITY].map(significant)).toEqual([
      "1,230",
      "45.6",
      "0.00123",
      "∞",
    ]);
  });
});
