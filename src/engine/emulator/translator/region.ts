/**
 * Translates a region to a module: its first function, and those that it calls. Branches become blocks and loops by the tree of
 * dominators, without a dispatch: Norman Ramsey, "Beyond Relooper" (ICFP 2022).
 */
import { countInstructions } from "../dispatch.ts";
import { HANDLER_SIGNATURE, Imports, TABLE_FUNCTIONS } from "../host-functions.ts";
import { RECORD, STATE } from "../layout.ts";
import { EXIT } from "../semantics/operation.ts";
import { type Body, Code, type Label, type Local } from "../wasm/code.ts";
import { type Expr, i32, i64 } from "../wasm/expression.ts";
import { moduleBytes } from "../wasm/module.ts";
import { Accesses } from "./accesses.ts";
import { RECORD_PARAMETER, RegionExits } from "./exits.ts";
import { FLAGS_KIND, type FlagsKind, RegionFlags } from "./flags.ts";
import { type Block, type Edge, edgesOf, type Graph, type Instruction } from "./graph.ts";
import { findLiveness, type InstructionUse, isCall, type Liveness } from "./liveness.ts";
import { RegionOperation, type RegionParts } from "./operation.ts";
import { RegionRegisters, type RegisterSet } from "./registers.ts";
import { copiesOf, wayOut } from "./unroll.ts";
import type { Windows } from "./windows.ts";

export interface RegionSource {
  /** The functions of the guest: the first is the region's entry, the others are called by one of them. */
  readonly graphs: readonly [Graph, ...Graph[]];
  /** Virtual address of the first instruction. */
  readonly entry: bigint;
  /** Exception level at which it runs. */
  readonly level: 0 | 1;
  readonly windows: Windows;
  /** The place in the table of the interpreter's function for an instruction. */
  readonly handlerOf: (instruction: Instruction) => number;
  /** Instructions are counted in the state. */
  readonly counts: boolean;
}

/** What the module exports: a function of `HANDLER_SIGNATURE`. */
export const REGION_EXPORT = "region";
/** Of a region's instructions: whoever runs a machine waits while more is translated. */
const CODE_BYTES_MAX = 32 * 1024;
/** Of instructions that may run before the budget is paid again: so many are as much as a branch. */
const INSTRUCTIONS_A_BRANCH = { entry: 16, loop: 4 } as const;
const ZERO = i32.of(0);
const UNUSED: InstructionUse = { read: 0n, written: 0n, leaves: false };

/** A region's module; or how many instructions of its first function make no more code than there may be. */
export type Translated = { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly fits: number };

/** Functions for which there is no room are called as others are. */
export function translateRegion(source: RegionSource): Translated {
  const imports = new Imports(false);
  for (const { name } of TABLE_FUNCTIONS) imports.indexOf(name);
  const indices = new Map<number, number>();
  const translations: FunctionTranslation[] = [];
  let bytesLeft = CODE_BYTES_MAX;
  for (const graph of source.graphs) {
    const surveyed = survey(source, graph, imports, bytesLeft);
    if ("fits" in surveyed) {
      if (translations.length === 0) return surveyed;
      break;
    }
    bytesLeft -= surveyed.byteCount;
    translations.push(new FunctionTranslation(source, graph, surveyed, { imports, indices }));
  }
  // By now the surveys have asked for all imports, which the module's own functions follow.
  const first = imports.functions.length;
  for (const [index, { start }] of translations.entries()) if (index > 0) indices.set(start, first + index);
  const functions = translations.map((translation, index) => ({
    name: index === 0 ? REGION_EXPORT : undefined,
    signature: HANDLER_SIGNATURE,
    body: translation.translate(index === 0),
  }));
  if (imports.functions.length !== first) throw new Error("an import was not surveyed");
  return { bytes: moduleBytes({ tableType: undefined, imports: imports.functions, functions }) };
}

/** What the functions of a module share. */
interface ModuleIndices {
  readonly imports: Imports;
  /** Of the guest's functions, by where they start; known after the surveys. */
  readonly indices: ReadonlyMap<number, number>;
}

/** What is to be known before translation. */
interface Survey {
  readonly accesses: Accesses;
  /** What sets flags anywhere. */
  readonly kinds: ReadonlySet<FlagsKind>;
  readonly liveness: Liveness;
  readonly written: (instruction: Instruction) => RegisterSet;
  /** What set the flags where a block begins; undefined where that depends on the way. */
  readonly flags: ReadonlyMap<Block, FlagsKind | undefined>;
  readonly byteCount: number;
}

interface Writing extends RegionParts {
  readonly operation: RegionOperation;
}

/** @param known from the survey; undefined for the survey itself. */
function writing(source: RegionSource, graph: Graph, imports: Imports, known?: Survey): Writing {
  const { entry, level, windows, handlerOf, counts } = source;
  const first = graph.blocks[0]?.instructions[0];
  if (first === undefined) throw new Error("a region has no instruction");
  const code = new Code(["i32"]);
  const parts = {
    code,
    registers: new RegionRegisters(code),
    flags: new RegionFlags(code, known?.kinds ?? new Set()),
    exits: new RegionExits(code, imports, level, counts),
    windows,
    accesses: known?.accesses ?? new Accesses(),
    imports,
    isSurvey: known === undefined,
    level,
    entry,
    handlerOf,
  };
  return { ...parts, operation: new RegionOperation(parts, first) };
}

/**
 * Translates once for what the instructions use; the code itself goes nowhere.
 * @returns how many instructions fit where these make more code than there is room for.
 */
function survey(source: RegionSource, graph: Graph, imports: Imports, bytesMax: number): Survey | { fits: number } {
  const { code, accesses, registers, flags, exits, operation } = writing(source, graph, imports);
  const setBy = new Map<Block, FlagsKind | undefined>();
  const uses = new Map<Instruction, InstructionUse>();
  for (const block of graph.blocks) {
    flags.begin(FLAGS_KIND.memory);
    operation.beginBlock(block);
    for (const instruction of block.instructions) {
      if (instruction.flow.kind === "leave") {
        uses.set(instruction, { read: 0n, written: 0n, leaves: true });
        continue;
      }
      registers.begin();
      const before = exits.count;
      operation.translate(instruction);
      uses.set(instruction, { read: registers.read, written: registers.written, leaves: exits.count > before });
      if (code.byteCount > bytesMax) return { fits: Math.max(1, uses.size - 1) };
    }
    setBy.set(block, isCall(block) ? FLAGS_KIND.memory : flags.lastSet);
  }
  const useOf = (instruction: Instruction): InstructionUse => uses.get(instruction) ?? UNUSED;
  return {
    accesses,
    kinds: flags.kinds,
    liveness: findLiveness(graph, useOf),
    written: (instruction) => useOf(instruction).written,
    flags: flagsAtBegin(graph.blocks, setBy),
    byteCount: code.byteCount,
  };
}

function flagsAtBegin(
  blocks: readonly Block[],
  setBy: ReadonlyMap<Block, FlagsKind | undefined>,
): ReadonlyMap<Block, FlagsKind | undefined> {
  const kinds = new Map<Block, Set<FlagsKind>>(blocks.map((block) => [block, new Set()]));
  const [entry] = blocks;
  if (entry !== undefined) kinds.get(entry)?.add(FLAGS_KIND.memory);
  for (let changes = true; changes; ) {
    changes = false;
    for (const block of blocks) {
      const set = setBy.get(block);
      const atEnd = set === undefined ? (kinds.get(block) ?? []) : [set];
      for (const { block: target } of edgesOf(block)) {
        const known = target === undefined ? undefined : kinds.get(target);
        for (const kind of atEnd) {
          if (known === undefined || known.has(kind)) continue;
          known.add(kind);
          changes = true;
        }
      }
    }
  }
  return new Map([...kinds].map(([block, set]) => [block, set.size === 1 ? [...set][0] : undefined]));
}

class FunctionTranslation {
  readonly #source: RegionSource;
  readonly #graph: Graph;
  /** Indices in the module of the guest's functions, by where they start. */
  readonly #functions: ReadonlyMap<number, number>;
  readonly #survey: Survey;
  readonly #writing: Writing;
  readonly #budget: Local<"i32">;
  /** Where a branch to a block goes: behind a block of WebAssembly, or to the begin of a loop. */
  readonly #labels = new Map<Block, Label>();
  readonly #loops = new Map<Block, Label>();
  readonly #children = new Map<Block, Block[]>();
  /** Blocks to which more than one place leads. */
  readonly #joins = new Set<Block>();

  constructor(source: RegionSource, graph: Graph, surveyed: Survey, { imports, indices }: ModuleIndices) {
    this.#source = source;
    this.#graph = graph;
    this.#functions = indices;
    this.#survey = surveyed;
    this.#writing = writing(source, graph, imports, this.#survey);
    this.#budget = this.#writing.code.lastingLocal("i32");
    for (const block of graph.blocks) {
      if (block.forwardEdges > 1) this.#joins.add(block);
      const behind = copiesOf(block) > 1 ? wayOut(block)?.block : undefined;
      if (behind !== undefined) this.#joins.add(behind);
      const { dominator } = block;
      if (dominator === undefined || dominator === block) continue;
      const siblings = this.#children.get(dominator) ?? [];
      siblings.push(block);
      this.#children.set(dominator, siblings);
    }
  }

  /** Of its first instruction, in bytes from the region's entry. */
  get start(): number {
    return this.#graph.start;
  }

  /** @param isEntry control comes from anywhere. @returns the body of a function of `HANDLER_SIGNATURE`. */
  translate(isEntry: boolean): Body {
    const { code, registers, exits, flags } = this.#writing;
    const { liveness } = this.#survey;
    const [first] = this.#graph.blocks;
    if (first === undefined) throw new Error("a function has no block");
    if (isEntry) this.#enter(first);
    this.#begin();
    exits.around(
      liveness.stored,
      () => {
        registers.load(liveness.neededAt(first));
        this.#tree(first);
      },
      (set) => registers.store(set),
      () => {
        flags.storeAny();
        code.store("i32", ZERO, code.get(this.#budget), STATE.budget);
      },
    );
    code.unreachable();
    return code.finish();
  }

  /** Goes elsewhere where the region is not made for what is now. */
  #enter(first: Block): void {
    const { code, handlerOf, entry, imports } = this.#writing;
    const [instruction] = first.instructions;
    if (instruction === undefined) throw new Error("a block has no instruction");
    const pc = i64.add(i64.load(ZERO, STATE.pcBase), i64.extendU(i32.shrU(RECORD_PARAMETER, i32.of(3))));
    code.if(i64.ne(pc, i64.of(entry)), () =>
      code.returnCall(imports.indexOf("enterAt"), [RECORD_PARAMETER, i32.of(handlerOf(instruction))]),
    );
    code.rarely(this.#isStale(), () => {
      code.store("i32", ZERO, RECORD_PARAMETER, STATE.record);
      code.return(i32.of(EXIT.stale));
    });
  }

  #begin(): void {
    const { code, exits } = this.#writing;
    const cost = 1 + Math.floor(this.#graph.instructionCount / INSTRUCTIONS_A_BRANCH.entry);
    code.set(this.#budget, i32.sub(i32.load(ZERO, STATE.budget), i32.of(cost)));
    code.rarely(i32.ltS(code.get(this.#budget), ZERO), () => {
      code.store("i32", ZERO, code.get(this.#budget), STATE.budget);
      exits.resolve(this.#addressOf(this.#graph.start));
    });
  }

  /** The region was made for other translations of addresses, or of other instructions. */
  #isStale(): Expr<"i32"> {
    return i32.ne(i32.load(RECORD_PARAMETER, RECORD.heat), i32.load(ZERO, STATE.epoch));
  }

  /** A block, and what it dominates. */
  #tree(block: Block): void {
    const joins = (this.#children.get(block) ?? []).filter((child) => this.#joins.has(child));
    joins.sort((a, b) => b.order - a.order);
    if (block.backEdges === 0) {
      this.#within(block, joins);
      return;
    }
    this.#writing.code.loop((label) => {
      this.#loops.set(block, label);
      this.#within(block, joins);
    });
  }

  /** @param joins blocks to which several ways lead, the last in order first. */
  #within(block: Block, joins: readonly Block[]): void {
    const [join, ...others] = joins;
    if (join === undefined) {
      this.#block(block);
      return;
    }
    this.#writing.code.block((label) => {
      this.#labels.set(join, label);
      this.#within(block, others);
    });
    this.#tree(join);
  }

  #block(block: Block): void {
    const { operation, flags } = this.#writing;
    operation.beginBlock(block);
    flags.begin(this.#survey.flags.get(block));
    for (let copies = copiesOf(block); copies > 1; copies--) {
      if (this.#instructions(block)) this.#leaveLoop(block);
    }
    if (this.#instructions(block)) this.#end(block);
  }

  /** @returns whether control comes to their end. */
  #instructions(block: Block): boolean {
    const { code, operation, exits } = this.#writing;
    const { liveness, written } = this.#survey;
    let dirty = liveness.dirtyAt(block);
    for (const [index, instruction] of block.instructions.entries()) {
      exits.stored = liveness.storedOf(dirty);
      exits.complete = index;
      if (instruction.flow.kind === "leave") {
        operation.leaveAt(instruction);
        return false;
      }
      operation.translate(instruction);
      dirty |= written(instruction);
    }
    exits.stored = liveness.storedOf(dirty);
    exits.complete = 0;
    if (this.#source.counts) countInstructions(code, STATE.translated, block.instructions.length);
    return true;
  }

  /** Between two copies of a block that leads to itself. */
  #leaveLoop(block: Block): void {
    const { code, operation } = this.#writing;
    const { transfer } = operation;
    if (transfer?.kind !== "if") throw new Error("a loop has no condition");
    const goesOn = block.taken?.block === block;
    const condition = goesOn ? i32.eqz(transfer.condition) : transfer.condition;
    code.if(condition, () => this.#follow(block, wayOut(block)));
  }

  #end(block: Block): void {
    const { code, exits, operation } = this.#writing;
    const last = block.instructions.at(-1);
    const { transfer } = operation;
    switch (last?.flow.kind) {
      case "branch":
        if (transfer?.kind === "if") {
          const { stored } = exits;
          code.if(transfer.condition, () => this.#follow(block, block.taken));
          exits.stored = stored;
        }
        this.#follow(block, block.next);
        return;
      case "jump":
        this.#follow(block, block.taken);
        return;
      case "call":
        this.#call(i64.of(this.#addressOf(last.at + last.flow.offset)), block, last.at + last.flow.offset);
        this.#follow(block, block.next);
        return;
      case "indirect call":
        if (transfer?.kind === "to") this.#call(transfer.target, block);
        this.#follow(block, block.next);
        return;
      case "indirect":
        if (transfer?.kind !== "to") return;
        if (transfer.returns) exits.returnTo(transfer.target);
        else exits.goTo(transfer.target);
        return;
      default:
        this.#follow(block, block.next);
    }
  }

  #follow(from: Block, edge: Edge | undefined): void {
    const { code, exits } = this.#writing;
    if (edge === undefined) return;
    const to = edge.block;
    if (to === undefined) {
      exits.goTo(i64.of(this.#addressOf(edge.at)));
    } else if (to.order <= from.order) {
      const loop = this.#loops.get(to);
      if (loop === undefined) throw new Error("an edge leads back to what is no loop");
      const cost = 1 + Math.floor(this.#loopInstructions(to, from) / INSTRUCTIONS_A_BRANCH.loop);
      code.set(this.#budget, i32.sub(code.get(this.#budget), i32.of(cost)));
      code.branch(loop, i32.geS(code.get(this.#budget), ZERO), true);
      exits.stop(this.#addressOf(edge.at));
    } else if (this.#joins.has(to)) {
      const label = this.#labels.get(to);
      if (label === undefined) throw new Error("an edge leads to what does not follow");
      code.branch(label);
    } else {
      this.#tree(to);
    }
  }

  /** Of a loop from its first block to one that leads back, at most. */
  #loopInstructions(first: Block, last: Block): number {
    const blocks = this.#graph.blocks.slice(first.order, last.order + 1);
    return blocks.reduce((sum, block) => sum + block.instructions.length * copiesOf(block), 0);
  }

  /** Calls a function of the guest, and goes on when it has returned. */
  #call(target: Expr<"i64">, block: Block, start?: number): void {
    const { code, registers, flags, exits } = this.#writing;
    const { liveness } = this.#survey;
    const { next } = block;
    if (next === undefined) throw new Error("a call leads nowhere");
    const link = this.#addressOf(next.at);
    registers.store(liveness.dirtyAtEnd(block));
    flags.store();
    code.store("i32", ZERO, code.get(this.#budget), STATE.budget);
    exits.call(target, link, start === undefined ? undefined : this.#functions.get(start));
    code.rarely(this.#isStale(), () => exits.resolve(link));
    exits.stored = liveness.storedOf(0n);
    registers.load(next.block === undefined ? exits.stored : liveness.neededAt(next.block));
    flags.areInMemory();
    code.set(this.#budget, i32.load(ZERO, STATE.budget));
  }

  #addressOf(at: number): bigint {
    return BigInt.asUintN(64, this.#source.entry + BigInt(at));
  }
}
