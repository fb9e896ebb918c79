/** Blocks that lead to themselves are repeated, so that counting the budget and asking whether to stop costs less. */
import type { Block, Edge } from "./graph.ts";

/** Copies of a block, by its instructions at most. */
const COPIES: readonly { readonly instructionsMax: number; readonly copies: number }[] = [
  { instructionsMax: 8, copies: 4 },
  { instructionsMax: 24, copies: 2 },
];

export function copiesOf(block: Block): number {
  if (wayOut(block) === undefined) return 1;
  const count = block.instructions.length;
  return COPIES.find(({ instructionsMax }) => count <= instructionsMax)?.copies ?? 1;
}

/** Where a block leads that else leads to itself; undefined where it does not. */
export function wayOut(block: Block): Edge | undefined {
  const { next, taken } = block;
  if (taken?.block === block) return next?.block === block ? undefined : next;
  return next?.block === block ? taken : undefined;
}
