import type { Interval } from "./estimate.ts";
import type { Verdict } from "./verdict.ts";

/** From this factor on a difference is told as "times", below it in percent. */
const TIMES_FROM = 2;

/**
 * A verdict in words, e.g. `costs 18-23 %`, `costs 4.1-4.4 times native`, `gains 3-5 %`, `no measurable cost`,
 * `inconclusive (-1 to +4 %)`. For a metric of which less is better 20 % is that much more of it, for one of which more
 * is better that much less.
 */
export function verdictText(verdict: Verdict, interval: Interval | undefined, better: "lower" | "higher"): string {
  if (interval === undefined) return "inconclusive (too few blocks)";
  if (verdict === "none") return "no measurable cost";
  if (verdict === "inconclusive") return `inconclusive (${signedRange(interval, better)})`;
  const away = interval.map((ratio) => Math.abs(ratio - 1)) as [number, number];
  const [least, most] = away[0] <= away[1] ? away : [away[1], away[0]];
  if (verdict === "cost" && better === "lower" && interval[0] >= TIMES_FROM) {
    return `costs ${range(...interval, significant)} times native`;
  }
  if (verdict === "gain" && better === "higher" && interval[0] >= TIMES_FROM) {
    return `gains: ${range(...interval, significant)} times native`;
  }
  return `${verdict === "cost" ? "costs" : "gains"} ${range(least * 100, most * 100, percent)} %`;
}

/** From tenfold on either side percents are hard to read. */
const FACTORS_FROM = 10;

/**
 * An interval of ratios as cost, e.g. `-1 to +4 %`, where positive is worse than the baseline; or as the ratios where they
 * are far apart, e.g. `×0.09 to ×35`.
 */
export function signedRange(interval: Interval, better: "lower" | "higher"): string {
  if (interval[1] >= FACTORS_FROM || interval[0] <= 1 / FACTORS_FROM) {
    return `×${significant(interval[0])} to ×${significant(interval[1])}`;
  }
  const shares = interval.map((ratio) => (better === "lower" ? ratio - 1 : 1 - ratio) * 100).sort((a, b) => a - b);
  const [low = 0, high = 0] = shares;
  const digits = Math.max(-low, high) < 10 ? 1 : 0;
  return `${signed(low, digits)} to ${signed(high, digits)} %`;
}

/** A ratio as cost, e.g. `+20 %`, `-3.1 %`, or `×4.2` from twice on. */
export function costText(ratio: number, better: "lower" | "higher"): string {
  if (ratio >= TIMES_FROM) return `×${significant(ratio)}`;
  const share = (better === "lower" ? ratio - 1 : 1 - ratio) * 100;
  return `${signed(share, Math.abs(share) < 9.95 ? 1 : 0)} %`;
}

/** What native against native shows, e.g. `up to 3.1 %`, `up to ×4.2`. */
export function noiseText(noise: number): string {
  return noise + 1 >= TIMES_FROM ? `up to ×${significant(noise + 1)}` : `up to ${(noise * 100).toFixed(1)} %`;
}

/** Three significant digits without an exponent, e.g. `1,230`, `45.6`, `0.00123`. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : String(value);
  return new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 }).format(value);
}

function percent(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, "");
}

function range(low: number, high: number, write: (value: number) => string): string {
  const [from, to] = [write(low), write(high)];
  return from === to ? from : `${from}-${to}`;
}

function signed(value: number, digits: number): string {
  const text = value.toFixed(digits).replace(/\.0$/, "");
  if (Number(text) === 0) return "0";
  return value > 0 ? `+${text}` : text;
}
