/** Which registers differ from memory, and which locals are needed, at each place of a region. */
import { type Block, edgesOf, type Graph, type Instruction } from "./graph.ts";
import type { RegisterSet } from "./registers.ts";

/** What an instruction does with registers. */
export interface InstructionUse {
  readonly read: RegisterSet;
  readonly written: RegisterSet;
  /** It may leave the region before it has written anything. */
  readonly leaves: boolean;
}

export interface Liveness {
  /** Where a block begins: what may differ from memory. */
  dirtyAt(block: Block): RegisterSet;
  /** Where it ends, before its call. */
  dirtyAtEnd(block: Block): RegisterSet;
  /** Where a block begins: what is read, or stored on a way out, before it is written. */
  neededAt(block: Block): RegisterSet;
  /** What a way out stores where so much differs from memory. */
  storedOf(dirty: RegisterSet): RegisterSet;
  /** All that ways out store. */
  readonly stored: readonly RegisterSet[];
}

const NOTHING: InstructionUse = { read: 0n, written: 0n, leaves: false };
/** Ways out that store different registers at most; else all store the same. */
const STORED_SETS_MAX = 24;

export type UseOf = (instruction: Instruction) => InstructionUse;

/** Calls store what differs from memory, and load what is needed behind them. */
export function isCall({ instructions }: Block): boolean {
  const kind = instructions.at(-1)?.flow.kind;
  return kind === "call" || kind === "indirect call";
}

export function findLiveness({ blocks }: Graph, useOf: UseOf): Liveness {
  const dirty = findDirty(blocks, useOf);
  const exact = new Set(blocks.flatMap((block) => dirtyAtExits(block, dirty.get(block) ?? 0n, useOf)));
  const all = [...exact].reduce((sum, set) => sum | set, 0n);
  const isExact = exact.size <= STORED_SETS_MAX;
  const storedOf = (set: RegisterSet): RegisterSet => (isExact ? set : all);
  const needed = findNeeded(blocks, dirty, useOf, storedOf);
  return {
    dirtyAt: (block) => dirty.get(block) ?? 0n,
    dirtyAtEnd: (block) => dirtyAtEnd(block, dirty.get(block) ?? 0n, useOf),
    neededAt: (block) => needed.get(block) ?? 0n,
    storedOf,
    stored: isExact ? [...exact] : [all],
  };
}

/** Where a block ends, before its call. */
function dirtyAtEnd({ instructions }: Block, begin: RegisterSet, useOf: UseOf): RegisterSet {
  return instructions.reduce((set, instruction) => set | useOf(instruction).written, begin);
}

function findDirty(blocks: readonly Block[], useOf: UseOf): ReadonlyMap<Block, RegisterSet> {
  const dirty = new Map<Block, RegisterSet>();
  for (let changes = true; changes; ) {
    changes = false;
    for (const block of blocks) {
      const end = isCall(block) ? 0n : dirtyAtEnd(block, dirty.get(block) ?? 0n, useOf);
      for (const { block: target } of edgesOf(block)) {
        if (target === undefined) continue;
        const before = dirty.get(target) ?? 0n;
        if ((before | end) === before) continue;
        dirty.set(target, before | end);
        changes = true;
      }
    }
  }
  return dirty;
}

/** What differs from memory at each way out of a block. */
function dirtyAtExits(block: Block, begin: RegisterSet, useOf: UseOf): readonly RegisterSet[] {
  const sets: RegisterSet[] = [];
  let dirty = begin;
  for (const instruction of block.instructions) {
    const { written, leaves } = useOf(instruction);
    if (leaves) sets.push(dirty);
    dirty |= written;
  }
  // The function's end, edges out of the region, and branches backwards that use up the budget.
  sets.push(isCall(block) ? 0n : dirty);
  return sets;
}

function findNeeded(
  blocks: readonly Block[],
  dirty: ReadonlyMap<Block, RegisterSet>,
  useOf: UseOf,
  storedOf: (dirty: RegisterSet) => RegisterSet,
): ReadonlyMap<Block, RegisterSet> {
  const needed = new Map<Block, RegisterSet>();
  for (let changes = true; changes; ) {
    changes = false;
    for (const block of [...blocks].reverse()) {
      const set = neededBy(block, dirty.get(block) ?? 0n, needed, useOf, storedOf);
      if (set === needed.get(block)) continue;
      needed.set(block, set);
      changes = true;
    }
  }
  return needed;
}

function neededBy(
  block: Block,
  begin: RegisterSet,
  needed: ReadonlyMap<Block, RegisterSet>,
  useOf: UseOf,
  storedOf: (dirty: RegisterSet) => RegisterSet,
): RegisterSet {
  const uses = block.instructions.map(useOf);
  const dirty = [begin];
  for (const { written } of uses) dirty.push((dirty.at(-1) ?? 0n) | written);
  const end = dirty.at(-1) ?? 0n;
  let live = isCall(block) ? end : storedOf(end) | neededBehind(block, needed);
  for (let index = uses.length - 1; index >= 0; index--) {
    const { read, written, leaves } = uses[index] ?? NOTHING;
    live = (live & ~written) | read;
    if (leaves) live |= storedOf(dirty[index] ?? 0n);
  }
  return live;
}

/** What the blocks need to which a block leads. */
function neededBehind(block: Block, needed: ReadonlyMap<Block, RegisterSet>): RegisterSet {
  return edgesOf(block).reduce(
    (set, { block: target }) => set | (target === undefined ? 0n : (needed.get(target) ?? 0n)),
    0n,
  );
}
