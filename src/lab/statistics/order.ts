/** A copy in ascending order; infinities have their places, NaN has none and is refused. */
export function ascending(values: readonly number[]): number[] {
  if (values.some(Number.isNaN)) throw new RangeError("NaN cannot be ranked");
  return [...values].sort((a, b) => a - b);
}

/** The middle value; the mean of the two middle ones where their number is even; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = ascending(values);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined || upper === lower) return upper;
  return lower + (upper - lower) / 2;
}

/**
 * The least of the values that at least this share of them does not exceed (nearest rank): always a value that was seen.
 * @param share from 0 to 1, e.g. 0.99.
 * @returns undefined of no values.
 */
export function percentile(values: readonly number[], share: number): number | undefined {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`${share} is no share`);
  const sorted = ascending(values);
  // 0.07 * 100 is 7.000000000000001: what rounding added must not raise the rank.
  const rank = Math.ceil(share * sorted.length - 1e-9);
  return sorted[Math.max(rank, 1) - 1];
}

/** The n-th root of the product of n positive values; undefined of none. */
export function geometricMean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
