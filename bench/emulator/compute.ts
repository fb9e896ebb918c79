/** The kernels' speeds, side by side. */
import { type Comparison, compare, type Ratio, ratio } from "../support/compare.ts";
import type { Target } from "../support/report.ts";
import { geometricMean, median, medianInterval } from "../support/statistics.ts";
import type { Kernel } from "./kernels.ts";
import type { Runner, SkiffRun } from "./runners.ts";
import { roundsFor, steadyNsPerRound } from "./summary.ts";

/** How long a kernel runs, and how often. */
export interface Extent {
  /** Of one repeat by the slower of QEMU and Skiff. */
  readonly repeatNs: number;
  readonly repeats: number;
  /** A process of each runner in each. */
  readonly rounds: number;
}

export interface Measured {
  readonly kernel: Kernel;
  /** Of the kernel, in one repeat. */
  readonly rounds: number;
  readonly instructionsPerRound: number;
  /** Nanoseconds a round of the kernel. */
  readonly comparison: Comparison;
}

export interface Runners {
  readonly skiff: Runner<SkiffRun>;
  readonly user: Runner;
  readonly system: Runner;
  readonly native: Runner;
  /** Its clock counts instructions. */
  readonly counter: Runner;
}

const COUNTED_NS = 20e6;

export function measureKernel(kernel: Kernel, extent: Extent, runners: Runners): Measured {
  const { skiff, user, system, native, counter } = runners;
  const checksums = new Map<number, string>();
  const run = (runner: Runner, rounds: number, repeats: number): number => {
    const { repeats: lines } = runner.run(kernel, rounds, repeats);
    for (const { checksum } of lines) {
      const expected = checksums.get(rounds) ?? checksum;
      checksums.set(rounds, expected);
      if (checksum !== expected) throw new Error(`${kernel}: ${runner.name} computes ${checksum}, not ${expected}`);
    }
    return steadyNsPerRound(lines);
  };
  const timeNs = (runner: Runner) => (rounds: number) => run(runner, rounds, 2) * rounds;
  const rounds = Math.min(...[user, skiff].map((runner) => roundsFor(extent.repeatNs, timeNs(runner))));
  const counted = Math.max(1, Math.round((rounds * COUNTED_NS) / extent.repeatNs));
  const comparison = compare(
    [skiff, user, system, native].map((runner) => ({
      name: runner.name,
      measure: () => run(runner, rounds, extent.repeats),
    })),
    extent.rounds,
    0,
  );
  return { kernel, rounds, instructionsPerRound: run(counter, counted, 1), comparison };
}

/** How often faster Skiff is than another: above 1 where it is faster. */
export const speedOver = ({ comparison }: Measured, { skiff }: Runners, other: Runner): Ratio =>
  ratio(comparison, other.name, skiff.name);

/** As `speedOver`: the geometric mean over the kernels in each round, and the median over the rounds. */
export function meanSpeedOver(measured: readonly Measured[], { skiff }: Runners, other: Runner): Ratio {
  const rounds = Math.min(...measured.map(({ comparison }) => comparison.rounds));
  const ns = ({ comparison }: Measured, { name }: Runner, round: number) =>
    comparison.samples[name]?.[round] ?? Number.NaN;
  const means = Array.from({ length: rounds }, (_, round) =>
    geometricMean(measured.map((kernel) => ns(kernel, other, round) / ns(kernel, skiff, round))),
  );
  return { of: other.name, to: skiff.name, median: median(means), interval: medianInterval(means) };
}

const LIMITS = { userSpeed: 1.3, userSpeedOfKernel: 0.5, systemSpeed: 1.3, nativeTime: 3 } as const;

export function speedTargets(measured: readonly Measured[], runners: Runners): readonly Target[] {
  const { user, system, native } = runners;
  const mean = (other: Runner) => meanSpeedOver(measured, runners, other).median;
  const slowest = Math.min(...measured.map((kernel) => speedOver(kernel, runners, user).median));
  const isLeast = true;
  return [
    { says: "speed, skiff / qemu-aarch64, geometric mean", value: mean(user), limit: LIMITS.userSpeed, isLeast },
    { says: "speed, skiff / qemu-aarch64, worst kernel", value: slowest, limit: LIMITS.userSpeedOfKernel, isLeast },
    { says: "speed, skiff / qemu-system, geometric mean", value: mean(system), limit: LIMITS.systemSpeed, isLeast },
    { says: "time, skiff / native, geometric mean", value: 1 / mean(native), limit: LIMITS.nativeTime },
  ];
}

const COLUMN = 14;

export function printHead({ skiff, user, system, native }: Runners): void {
  const names = [skiff, user, system, native].map(({ name }) => name.padStart(COLUMN));
  console.log(`  ns a round ${names.join("")}   skiff's speed over each`);
}

export function printKernel(measured: Measured, runners: Runners): void {
  const { kernel, comparison } = measured;
  const { skiff, user, system, native } = runners;
  const others = [user, system, native];
  const times = [skiff, ...others].map(({ name }) =>
    (comparison.medians[name]?.median ?? Number.NaN).toFixed(0).padStart(COLUMN),
  );
  const speeds = others.map((other) => speedOver(measured, runners, other).median.toFixed(2).padStart(7));
  console.log(`  ${kernel.padEnd(11)}${times.join("")}   ${speeds.join("")}`);
}
