/** The kernels' speeds, side by side. */
import { type Comparison, compare, type Ratio, ratio } from "../support/compare.ts";
import type { Target } from "../support/report.ts";
import { geometricMean, median, medianInterval } from "../support/statistics.ts";
import type { GuestFacts } from "./guest.ts";
import type { Kernel } from "./kernels.ts";
import type { Run, Runner, SkiffRun } from "./runners.ts";
import { fewerRounds, roundsFor, steadyNsPerRound } from "./summary.ts";

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
  /** Of AArch64. */
  readonly instructionsPerRound: number;
  /** Of all instructions of Skiff's guest, from its start to its end. */
  readonly translatedShare: number;
  /** By runner: the last process from its start to its end, as seen from outside; the interpreter has rounds of its own. */
  readonly wholeNs: Readonly<Record<string, number>>;
  /** Nanoseconds a round of the kernel. */
  readonly comparison: Comparison;
}

export interface Runners {
  readonly skiff: Runner<SkiffRun>;
  readonly user: Runner;
  readonly system: Runner;
  readonly native: Runner;
  /** Skiff without its translator. */
  readonly interpreter: Runner;
  /** Skiff counts instructions. */
  readonly counted: Runner<SkiffRun>;
  /** Its clock counts instructions. */
  readonly counter: Runner;
}

/** In one repeat. */
const INTERPRETED_INSTRUCTIONS = 20e6;
/** QEMU, counting, is slow. */
const COUNTED_PART = 10;

export function measureKernel(kernel: Kernel, extent: Extent, runners: Runners): Measured {
  const { skiff, user, system, native, interpreter, counted, counter } = runners;
  const checksums = new Map<number, string>();
  const run = <R extends Run>(runner: Runner<R>, rounds: number, repeats: number): R => {
    const result = runner.run(kernel, rounds, repeats);
    for (const { checksum } of result.repeats) {
      const expected = checksums.get(rounds) ?? checksum;
      checksums.set(rounds, expected);
      if (checksum !== expected) throw new Error(`${kernel}: ${runner.name} computes ${checksum}, not ${expected}`);
    }
    if (runner !== counter && guestNs(result) > result.wholeNs) {
      throw new Error(`${kernel}: ${runner.name} took less time than its guest says`);
    }
    return result;
  };
  const timeNs = (runner: Runner, count: number) => steadyNsPerRound(run(runner, count, 2).repeats) * count;
  const rounds = fewerRounds(
    roundsFor(extent.repeatNs, (count) => timeNs(user, count)),
    // By now a repeat is so long that Skiff translates in the first one, which does not count.
    (count) => timeNs(skiff, count) / extent.repeatNs,
  );
  const fewRounds = Math.max(1, Math.round(rounds / COUNTED_PART));
  const [{ ns: instructions }] = run(counter, fewRounds, 1).repeats;
  const instructionsPerRound = instructions / fewRounds;
  const roundsOf = (runner: Runner) =>
    runner === interpreter ? Math.max(1, Math.round(INTERPRETED_INSTRUCTIONS / instructionsPerRound)) : rounds;
  const wholeNs: Record<string, number> = {};
  const contenders = [skiff, user, system, native, interpreter].map((runner) => ({
    name: runner.name,
    measure: () => {
      const result = run(runner, roundsOf(runner), extent.repeats);
      wholeNs[runner.name] = result.wholeNs;
      return steadyNsPerRound(result.repeats);
    },
  }));
  const comparison = compare(contenders, extent.rounds, 0);
  const { facts } = run(counted, rounds, extent.repeats);
  return { kernel, rounds, instructionsPerRound, translatedShare: translatedShare(facts), wholeNs, comparison };
}

/** From the first repeat's begin to the last one's end. */
function guestNs({ repeats: [first, ...others] }: Run): number {
  const { atNs, ns } = others.at(-1) ?? first;
  return atNs + ns;
}

function translatedShare({ instructions }: GuestFacts): number {
  if (instructions === undefined) throw new Error("the guest's instructions were not counted");
  const { interpreted, translated } = instructions;
  return translated / (interpreted + translated);
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

/** Million instructions a second of the interpreter alone: the geometric mean over the kernels. */
export function interpreterSpeed(measured: readonly Measured[], { interpreter }: Runners): number {
  const speeds = measured.map(
    ({ instructionsPerRound, comparison }) =>
      (instructionsPerRound * 1e3) / (comparison.medians[interpreter.name]?.median ?? Number.NaN),
  );
  return geometricMean(speeds);
}

const LIMITS = {
  userSpeed: 1.3,
  userSpeedOfKernel: 0.5,
  systemSpeed: 1.3,
  nativeTime: 3,
  interpreterSpeed: 40,
  translatedShare: 0.99,
} as const;

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
    {
      says: "million instructions a second of the interpreter, geometric mean",
      value: interpreterSpeed(measured, runners),
      limit: LIMITS.interpreterSpeed,
      isLeast,
    },
    {
      says: "share of instructions that are run translated, worst kernel",
      value: Math.min(...measured.map(({ translatedShare }) => translatedShare)),
      limit: LIMITS.translatedShare,
      isLeast,
    },
  ];
}

const COLUMN = 13;
const others = ({ user, system, native }: Runners) => [user, system, native];

export function printHead(runners: Runners): void {
  const columns = [...[runners.skiff, ...others(runners)].map(({ name }) => name), "interpreter", "translated"];
  const head = columns.map((name) => name.padStart(COLUMN)).join("");
  console.log(`  ns a round ${head}   skiff's speed over qemu-aarch64, qemu-system, native`);
}

export function printKernel(measured: Measured, runners: Runners): void {
  const { kernel, comparison, translatedShare: share } = measured;
  const times = [runners.skiff, ...others(runners), runners.interpreter].map(({ name }) =>
    (comparison.medians[name]?.median ?? Number.NaN).toFixed(0),
  );
  const columns = [...times, `${(100 * share).toFixed(2)} %`].map((text) => text.padStart(COLUMN)).join("");
  const speeds = others(runners).map((other) => speedOver(measured, runners, other).median.toFixed(2).padStart(8));
  console.log(`  ${kernel.padEnd(11)}${columns}   ${speeds.join("")}`);
}

/** Of one kernel, to be kept. */
export function record(measured: Measured, runners: Runners): Readonly<Record<string, unknown>> {
  const { rounds, instructionsPerRound, translatedShare: share, wholeNs, comparison } = measured;
  const speeds = others(runners).map((other) => speedOver(measured, runners, other));
  return {
    rounds,
    instructionsPerRound,
    translatedShare: share,
    wholeNs,
    unit: "ns a round",
    medians: comparison.medians,
    speeds,
  };
}
