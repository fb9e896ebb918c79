/** The control-flow graph of a function: what direct branches reach from one instruction. */

import { fieldsOf } from "../instruction/row.ts";
import { decode } from "../instruction/table.ts";
import type { Placed, Semantics } from "../semantics/operation.ts";
import { SEMANTICS } from "../semantics/table.ts";
import { type Flow, flowOf } from "./flow.ts";

const INSTRUCTION_BYTES = 4;
const PAGE_MASK = 4095;

export interface Instruction {
  /** Bytes from the region's entry. */
  readonly at: number;
  readonly word: number;
  readonly placed: Placed;
  readonly flow: Flow;
  readonly semantics: Semantics;
}

/** Where an edge leads: to a block of the region, or out of it. */
export interface Edge {
  /** Bytes from the region's entry. */
  readonly at: number;
  block: Block | undefined;
}

export interface Block {
  readonly instructions: readonly Instruction[];
  /** Where control goes on behind the last instruction; undefined where it does not. */
  readonly next: Edge | undefined;
  /** Where the last instruction branches. */
  readonly taken: Edge | undefined;
  /** Place in reverse postorder. */
  order: number;
  /** Immediate dominator; of the first block, itself. */
  dominator: Block | undefined;
  /** Number of edges that lead here from blocks before, and from blocks behind. */
  forwardEdges: number;
  backEdges: number;
}

export interface Graph {
  /** Of the first instruction, in bytes from the region's entry. */
  readonly start: number;
  readonly instructionCount: number;
  /** In reverse postorder; the entry first. */
  readonly blocks: readonly Block[];
}

/** @returns the instruction word so many bytes from the entry; undefined where there is none to be had. */
export type ReadWord = (at: number) => number | undefined;

export interface GraphSource {
  /** The region's entry in its page, in bytes. */
  readonly pageOffset: number;
  readonly read: ReadWord;
  /** What is behind so many instructions is left out. */
  readonly instructionsMax: number;
}

/**
 * @param start of the function, in bytes from the region's entry.
 * @returns undefined where there is no instruction at its start.
 */
export function makeGraph(start: number, source: GraphSource): Graph | undefined {
  const instructions = discover(start, source);
  const first = makeBlocks(start, instructions).get(start);
  if (first === undefined) return undefined;
  return { start, instructionCount: instructions.size, blocks: makeReducible(first) };
}

/** The addresses to which an instruction's direct ways lead. */
function targetsOf({ at, flow }: Instruction): { readonly next?: number; readonly taken?: number } {
  const next = at + INSTRUCTION_BYTES;
  switch (flow.kind) {
    case "next":
    case "call":
    case "indirect call":
      return { next };
    case "jump":
      return { taken: at + flow.offset };
    case "branch":
      return { next, taken: at + flow.offset };
    default:
      return {};
  }
}

function discover(start: number, { pageOffset, read, instructionsMax }: GraphSource): ReadonlyMap<number, Instruction> {
  const found = new Map<number, Instruction>();
  const open = [start];
  for (let from = open.shift(); from !== undefined; from = open.shift()) {
    let at: number | undefined = from;
    while (at !== undefined && !found.has(at) && found.size < instructionsMax) {
      const instruction = instructionAt(at, pageOffset, read);
      if (instruction === undefined) break;
      found.set(at, instruction);
      const { next, taken }: { readonly next?: number; readonly taken?: number } = targetsOf(instruction);
      if (taken !== undefined) open.push(taken);
      at = next;
    }
  }
  return found;
}

function instructionAt(at: number, pageOffset: number, read: ReadWord): Instruction | undefined {
  const word = read(at);
  const row = word === undefined ? undefined : decode(word);
  const semantics = row === undefined ? undefined : SEMANTICS[row.name];
  if (word === undefined || row === undefined || semantics === undefined) return undefined;
  const fields = fieldsOf(row, word);
  const placed = { fields, pageOffset: (pageOffset + at) & PAGE_MASK };
  return { at, word, placed, flow: flowOf(row.name, fields), semantics };
}

function makeBlocks(start: number, instructions: ReadonlyMap<number, Instruction>): ReadonlyMap<number, Block> {
  const leaders = new Set([start]);
  for (const instruction of instructions.values()) {
    const { next, taken } = targetsOf(instruction);
    if (taken !== undefined) leaders.add(taken);
    if (next !== undefined && instruction.flow.kind !== "next") leaders.add(next);
  }
  const blocks = new Map<number, Block>();
  for (const leader of leaders) {
    const block = blockFrom(leader, instructions, leaders);
    if (block !== undefined) blocks.set(leader, block);
  }
  for (const { next, taken } of blocks.values()) {
    if (next !== undefined) next.block = blocks.get(next.at);
    if (taken !== undefined) taken.block = blocks.get(taken.at);
  }
  return blocks;
}

function blockFrom(
  leader: number,
  instructions: ReadonlyMap<number, Instruction>,
  leaders: ReadonlySet<number>,
): Block | undefined {
  const own: Instruction[] = [];
  let instruction = instructions.get(leader);
  if (instruction === undefined) return undefined;
  for (;;) {
    own.push(instruction);
    const { next, taken } = targetsOf(instruction);
    const follower: Instruction | undefined = next === undefined ? undefined : instructions.get(next);
    if (instruction.flow.kind === "next" && follower !== undefined && !leaders.has(follower.at)) {
      instruction = follower;
      continue;
    }
    const edge = (to: number | undefined): Edge | undefined =>
      to === undefined ? undefined : { at: to, block: undefined };
    return {
      instructions: own,
      next: edge(next),
      taken: edge(taken),
      order: -1,
      dominator: undefined,
      forwardEdges: 0,
      backEdges: 0,
    };
  }
}

export function edgesOf({ next, taken }: Block): readonly Edge[] {
  return [next, taken].filter((edge) => edge !== undefined);
}

/**
 * Cuts the edges that lead into a loop past its first block, until there are none: what they lead to is left to another region.
 * @returns the blocks in reverse postorder.
 */
function makeReducible(entry: Block): readonly Block[] {
  for (;;) {
    const blocks = reversePostorder(entry);
    findDominators(blocks);
    let cut = false;
    for (const block of blocks) {
      for (const edge of edgesOf(block)) {
        if (edge.block === undefined || edge.block.order > block.order || dominates(edge.block, block)) continue;
        edge.block = undefined;
        cut = true;
      }
    }
    if (cut) continue;
    countEdges(blocks);
    return blocks;
  }
}

/** The second of a branch's ways comes first in the order, so that code which goes on lies behind what it goes on from. */
function reversePostorder(entry: Block): readonly Block[] {
  const seen = new Set([entry]);
  const finished: Block[] = [];
  const open: { readonly block: Block; readonly edges: Edge[] }[] = [{ block: entry, edges: [...edgesOf(entry)] }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const target: Block | undefined = top.edges.pop()?.block;
    if (target !== undefined && !seen.has(target)) {
      seen.add(target);
      open.push({ block: target, edges: [...edgesOf(target)] });
    } else if (target === undefined && top.edges.length === 0) {
      finished.push(top.block);
      open.pop();
    }
  }
  const blocks = finished.reverse();
  for (const [order, block] of blocks.entries()) block.order = order;
  return blocks;
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". */
function findDominators(blocks: readonly Block[]): void {
  const before = new Map<Block, Block[]>(blocks.map((block) => [block, []]));
  for (const block of blocks) {
    block.dominator = undefined;
    for (const { block: target } of edgesOf(block)) if (target !== undefined) before.get(target)?.push(block);
  }
  const [entry, ...others] = blocks;
  if (entry === undefined) return;
  entry.dominator = entry;
  for (let changes = true; changes; ) {
    changes = false;
    for (const block of others) {
      let dominator: Block | undefined;
      for (const source of before.get(block) ?? []) {
        if (source.dominator !== undefined) dominator = dominator === undefined ? source : common(dominator, source);
      }
      if (dominator === block.dominator) continue;
      block.dominator = dominator;
      changes = true;
    }
  }
}

function common(a: Block, b: Block): Block {
  let [x, y] = [a, b];
  while (x !== y) {
    if (x.order > y.order) x = x.dominator ?? y;
    else y = y.dominator ?? x;
  }
  return x;
}

function dominates(a: Block, b: Block): boolean {
  let at = b;
  while (at.order > a.order) {
    if (at.dominator === undefined) return false;
    at = at.dominator;
  }
  return at === a;
}

function countEdges(blocks: readonly Block[]): void {
  for (const block of blocks) {
    for (const { block: target } of edgesOf(block)) {
      if (target === undefined) continue;
      if (target.order <= block.order) target.backEdges++;
      else target.forwardEdges++;
    }
  }
}
