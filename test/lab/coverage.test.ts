import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, it } from "vitest";
import type { Pair } from "../../src/lab/statistics/blocks.ts";
import { type Estimate, estimateRatio } from "../../src/lab/statistics/estimate.ts";
import { LOOKS } from "../../src/lab/statistics/looks.ts";
import { isSettled, judge, noiseFloor } from "../../src/lab/statistics/verdict.ts";

const SEED = 20_260_101;
const RUNS = 4000;
const COVERAGE = 0.93;

/** Uniform numbers above 0 and below 1. */
type Uniform = () => number;

function uniform(seed: number): Uniform {
  const generator = xoroshiro128plus(seed);
  return () => ((generator.next() >>> 0) + 0.5) / 2 ** 32;
}

/** Pareto with index 1.5, i.e. without a variance, less its median: skewed, heavy-tailed, median 0. */
const heavyTail = (next: Uniform) => (next() ** (-1 / 1.5) - 2 ** (1 / 1.5)) / 10;
/** Log-normal with median 0. */
const logNormal = (next: Uniform) =>
  (Math.exp(Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next())) - 1) / 10;
/** Mostly quiet, a fifth of the samples far off to one side or the other; median 0. */
const contaminated = (next: Uniform) => (next() - 0.5) * (next() < 0.2 ? 4 : 0.04);

/** A run up to its last block; the baseline's level wanders, as a machine's does. */
function makeRun(next: Uniform, ratio: number, noise: (next: Uniform) => number): Pair[] {
  let level = 100;
  return Array.from({ length: LOOKS.at(-1) ?? 0 }, (_, block) => {
    level *= Math.exp((next() - 0.5) / 5);
    return { block, value: level * ratio * Math.exp(noise(next)), baseline: level };
  });
}

/** Looks when the lab looks, and stops when the rule says so, at the last look in any case. */
function runToItsEnd(run: readonly Pair[], stops: (estimate: Estimate) => boolean): Estimate | undefined {
  let estimate: Estimate | undefined;
  for (const look of LOOKS) {
    estimate = estimateRatio(run.slice(0, look), look);
    if (estimate !== undefined && stops(estimate)) break;
  }
  return estimate;
}

function coverage(seed: number, ratio: number, noise: (next: Uniform) => number, stops: (e: Estimate) => boolean) {
  const next = uniform(seed);
  let covered = 0;
  for (let run = 0; run < RUNS; run++) {
    const [low, high] = runToItsEnd(makeRun(next, ratio, noise), stops)?.interval ?? [Number.NaN, Number.NaN];
    if (low <= ratio && ratio <= high) covered++;
  }
  return covered / RUNS;
}

const SHAPES = { heavyTail, logNormal, contaminated };

describe.each(Object.entries(SHAPES))(`coverage of the whole procedure, seed ${SEED}, %s`, (_, noise) => {
  it("holds when a run stops as the lab stops it", () => {
    for (const ratio of [1, 1.2, 4]) {
      expect(coverage(SEED, ratio, noise, (estimate) => isSettled(estimate, "lower", 0.01))).toBeGreaterThan(COVERAGE);
    }
  });

  it("holds when a run stops at the first look that misses", () => {
    const misses = ({ interval: [low, high] = [0, 0] }: Estimate) => low > 1.2 || high < 1.2;
    expect(coverage(SEED + 1, 1.2, noise, misses)).toBeGreaterThan(COVERAGE);
  });
});

it(`finds 10 %, and does not find native in native, seed ${SEED}`, () => {
  const next = uniform(SEED + 2);
  const quiet = (from: Uniform) => logNormal(from) / 4;
  let [found, falseAlarms] = [0, 0];
  for (let run = 0; run < 1000; run++) {
    const noise = noiseFloor(estimateRatio(makeRun(next, 1, quiet), 30));
    if (judge(estimateRatio(makeRun(next, 1.1, quiet), 30)?.interval, "lower", noise) === "cost") found++;
    if (["cost", "gain"].includes(judge(estimateRatio(makeRun(next, 1, quiet), 30)?.interval, "lower", noise))) {
      falseAlarms++;
    }
  }
  expect(found).toBeGreaterThan(990);
  expect(falseAlarms).toBeLessThan(10);
});
