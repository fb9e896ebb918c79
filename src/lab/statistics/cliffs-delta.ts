/**
 * How far two groups lie apart, whatever their distribution: the share of pairs in which `a` exceeds `b`, less the share in
 * which it falls below (N. Cliff, Dominance statistics, Psychological Bulletin 114, 1993). From -1 to 1; 0 where neither
 * tends to be larger; undefined where a group is empty.
 */
export function cliffsDelta(a: readonly number[], b: readonly number[]): number | undefined {
  if (a.length === 0 || b.length === 0) return undefined;
  let dominance = 0;
  for (const left of a) for (const right of b) dominance += Math.sign(left - right);
  return dominance / (a.length * b.length);
}
