import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type MachineFacts, probeMachine } from "../../src/host/probe/machine.ts";
import type { Comparison, Ratio } from "./compare.ts";

/** A bound that the project holds itself to. */
export interface Target {
  readonly says: string;
  readonly value: number;
  readonly limit: number;
  /** Where the value must be at or above the limit, not at or below it. */
  readonly isLeast?: true;
}

/** What a benchmark keeps: what was measured, on which machine, with which peers. */
export interface BenchResult {
  readonly bench: string;
  readonly date: string;
  readonly machine: MachineFacts;
  readonly node: string;
  readonly notes: readonly string[];
  readonly measured: Readonly<Record<string, unknown>>;
}

/** The project's folder: bundled or not, `bench/` lies in it. */
export const ROOT = process.env["SKIFF_ROOT"] ?? join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Before a benchmark pins itself to one processor: that would count as all it has. */
const machine = probeMachine();

/** Prints a comparison's rows and ratios. */
export function printComparison(comparison: Comparison, ratios: readonly Ratio[], unit: string, perUnit: number): void {
  for (const [name, { median, interval }] of Object.entries(comparison.medians)) {
    const [low, high] = interval.map((value) => (value / perUnit).toFixed(3));
    console.log(`  ${name.padEnd(28)} ${(median / perUnit).toFixed(3)} ${unit}   (95 %: ${low} to ${high})`);
  }
  for (const { of, to, median, interval } of ratios) {
    const [low, high] = interval.map((value) => value.toFixed(3));
    console.log(`  ${`${of} / ${to}`.padEnd(44)} ${median.toFixed(3)}   (95 %: ${low} to ${high})`);
  }
}

/** Of a comparison whose disturbance is a share of one processor. */
export function printDisturbance({ disturbance, leftOut }: Comparison): void {
  console.log(`  others took ${(disturbance * 100).toFixed(0)} % of a processor at most; ${leftOut} rounds left out`);
}

/** Says of each target whether it was reached. */
export function printTargets(targets: readonly Target[]): void {
  for (const { says, value, limit, isLeast = false } of targets) {
    const isReached = isLeast ? value >= limit : value <= limit;
    const bound = `${isLeast ? "at least" : "at most"} ${limit}`;
    console.log(`  ${isReached ? "reached" : "MISSED "}  ${says}: ${value.toFixed(3)}, ${bound}`);
  }
}

/** Keeps the last result of a benchmark in bench/results/. */
export function keepResult(bench: string, measured: BenchResult["measured"], notes: readonly string[]): void {
  const result: BenchResult = {
    bench,
    date: new Date().toISOString(),
    machine,
    node: process.version,
    notes,
    measured,
  };
  const path = join(ROOT, "bench/results", `${bench}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, undefined, 1)}\n`);
  console.log(`  kept in bench/results/${bench}.json`);
}
