import { uniformBigInt } from "pure-rand/distribution/uniformBigInt";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

const { SKIFF_SEED = "20240229" } = process.env;

/** The seed of this run: `SKIFF_SEED`, or always the same. Put it into the test's name. */
export const SEED = Number(SKIFF_SEED);

/** Random choices that a seed decides. */
export interface Random {
  /** Both ends included. */
  integer(from: number, to: number): number;
  /** Both ends included. */
  bigint(from: bigint, to: bigint): bigint;
  pick<Value>(values: readonly Value[]): Value;
}

export function seededRandom(seed = SEED): Random {
  const generator = xoroshiro128plus(seed);
  const integer = (from: number, to: number) => uniformInt(generator, from, to);
  return {
    integer,
    bigint: (from, to) => uniformBigInt(generator, from, to),
    pick: (values) => values[integer(0, values.length - 1)] as (typeof values)[number],
  };
}
