/** How a guest gets to its final speed, and what that makes of a short program. */
import { median } from "../support/statistics.ts";
import type { Measured, Runners } from "./compute.ts";
import type { Runner } from "./runners.ts";
import { timeToHalfSpeedNs } from "./summary.ts";

export interface WarmUp {
  /** From the kernel's begin until it runs at half of its final speed. */
  readonly toHalfSpeedNs: number;
  /** By runner: a process, from its start to its end, of which the kernel takes a second natively. */
  readonly wholeNs: Readonly<Record<string, number>>;
}

const NATIVE_NS = 1e9;
/** So long a repeat at the final speed: what it takes to half of that speed is told so exactly. */
const REPEAT_NS = 1e6;
const REPEATS = 500;
const PROCESSES = 3;

export function measureWarmUp({ kernel, comparison }: Measured, runners: Runners): WarmUp {
  const { skiff, user, system, native } = runners;
  const nsPerRound = ({ name }: Runner) => comparison.medians[name]?.median ?? Number.NaN;
  const roundsFor = (runner: Runner, ns: number) => Math.max(1, Math.round(ns / nsPerRound(runner)));
  const processes = Array.from({ length: PROCESSES });
  const short = roundsFor(skiff, REPEAT_NS);
  const long = roundsFor(native, NATIVE_NS);
  return {
    toHalfSpeedNs: median(processes.map(() => timeToHalfSpeedNs(skiff.run(kernel, short, REPEATS).repeats))),
    wholeNs: Object.fromEntries(
      [skiff, user, system, native].map((runner) => [runner.name, runner.run(kernel, long, 1).wholeNs]),
    ),
  };
}

export function printWarmUp(warmUps: readonly (readonly [kernel: string, WarmUp])[]): void {
  const [first] = warmUps;
  if (first === undefined) return;
  const names = Object.keys(first[1].wholeNs);
  console.log("  to half of the final speed, and whole processes that take a second natively");
  console.log(
    `  ${"".padEnd(11)}${"ms to half".padStart(14)}${names.map((name) => `${name} s`.padStart(16)).join("")}`,
  );
  for (const [kernel, { toHalfSpeedNs, wholeNs }] of warmUps) {
    const seconds = names.map((name) => ((wholeNs[name] ?? Number.NaN) / 1e9).toFixed(2).padStart(16));
    console.log(`  ${kernel.padEnd(11)}${(toHalfSpeedNs / 1e6).toFixed(1).padStart(14)}${seconds.join("")}`);
  }
}
