/** The translator's side of a definition: operands are constants, registers are locals, what may trap leaves for the interpreter. */
import type { FloatFunctionName } from "../float/functions.ts";
import type { Imports } from "../host-functions.ts";
import type { Fields } from "../instruction/row.ts";
import { SLOT, STATE, STORES, TRANSLATION, TRANSLATION_TABLES } from "../layout.ts";
import type { AccessBytes, AccessOptions, Computed, Operation, Place } from "../semantics/operation.ts";
import type { Code } from "../wasm/code.ts";
import {
  callOf,
  displaced,
  type Expr,
  type Float,
  type FloatType,
  type Integer,
  type IntegerType,
  i32,
  i64,
  type ValueType,
} from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import { type Accesses, partsOf, windowFor } from "./accesses.ts";
import type { RegionExits } from "./exits.ts";
import type { RegionFlags } from "./flags.ts";
import type { Block, Instruction } from "./graph.ts";
import type { RegionRegisters } from "./registers.ts";
import type { Window, Windows } from "./windows.ts";

/** Where an instruction says that control goes; its flow says the rest. */
export type Transfer =
  | { readonly kind: "if"; readonly condition: Expr<"i32"> }
  | { readonly kind: "to"; readonly target: Expr<"i64">; readonly returns: boolean };

/** What the instructions of a region share. */
export interface RegionParts {
  readonly code: Code;
  readonly registers: RegionRegisters;
  readonly flags: RegionFlags;
  readonly exits: RegionExits;
  readonly windows: Windows;
  readonly accesses: Accesses;
  /** Of the module. */
  readonly imports: Imports;
  /** Accesses are told of; the code goes nowhere. */
  readonly isSurvey: boolean;
  readonly level: 0 | 1;
  /** Virtual address of the region's first instruction. */
  readonly entry: bigint;
  /** The place in the table of the interpreter's function for an instruction. */
  readonly handlerOf: (instruction: Instruction) => number;
}

/** Bytes that an access reaches, from a register's value and an offset on. */
interface Checked {
  /** Usable more than once. */
  readonly base: Expr<"i64">;
  readonly offset: bigint;
  readonly bytes: bigint;
  readonly window: Window;
  /** Of the translations: from those of loads to these. */
  readonly table: number;
}

const ZERO = i32.of(0);
const PAGE_MASK = -4096n;
const STACK_ALIGNMENT = 16;
/** Offsets of loads and stores stay where a signed number does. */
const OFFSET_MAX = 2n ** 31n;

function fieldOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (value === undefined) throw new Error(`the row has no field ${name}`);
  return value;
}

export class RegionOperation implements Operation {
  readonly code: Code;
  /** Set by branches. */
  transfer: Transfer | undefined;
  readonly #parts: RegionParts;
  #instruction: Instruction;
  /** Conditions and blocks around the instruction. */
  #depth = 0;
  /** Checked since the block began, and true ever since. */
  #vectorsAreOn = false;
  #stackIsAligned = false;
  /** Begins the names of registers' values. */
  #block = 0;
  /** How often registers were written since the block began. */
  readonly #versions = new Map<number, number>();
  /** By base: the group is checked, and the base's low bits. */
  readonly #checked = new Map<string, Expr<"i32">>();

  constructor(parts: RegionParts, first: Instruction) {
    this.code = parts.code;
    this.#parts = parts;
    this.#instruction = first;
  }

  /** Control came here from elsewhere. */
  beginBlock({ order }: Block): void {
    this.#block = order;
    this.#versions.clear();
    this.#checked.clear();
    this.#vectorsAreOn = false;
    this.#stackIsAligned = false;
  }

  translate(instruction: Instruction): void {
    this.#instruction = instruction;
    this.#depth = this.code.depth;
    this.transfer = undefined;
    this.code.reuseLocals();
    instruction.semantics(this);
  }

  /** Leaves before an instruction that is not translated. */
  leaveAt(instruction: Instruction): void {
    this.#instruction = instruction;
    this.leave();
  }

  /** Leaves before the instruction; the interpreter does it. */
  leave(): void {
    this.#parts.exits.interpret(this.#pc, this.#parts.handlerOf(this.#instruction));
  }

  select(field: string): number {
    return fieldOf(this.#instruction.placed.fields, field);
  }

  choose(_: string, compute: (placed: Instruction["placed"]) => number): number {
    return compute(this.#instruction.placed);
  }

  i32(compute: (fields: Fields) => number): Expr<"i32"> {
    return i32.of(compute(this.#instruction.placed.fields));
  }

  i64(compute: (fields: Fields) => bigint): Expr<"i64"> {
    return i64.of(compute(this.#instruction.placed.fields));
  }

  read<T extends IntegerType>(type: Integer<T>, field: string): Expr<T> {
    return this.#read(type, this.select(field));
  }

  write<T extends IntegerType>(_: Integer<T>, field: string, value: Expr<T>): void {
    this.#write(this.select(field), value);
  }

  readOrStack<T extends IntegerType>(type: Integer<T>, field: string): Expr<T> {
    return this.#read(type, orStack(this.select(field)));
  }

  writeOrStack<T extends IntegerType>(_: Integer<T>, field: string, value: Expr<T>): void {
    this.#write(orStack(this.select(field)), value);
  }

  readNext<T extends IntegerType>(type: Integer<T>, field: string): Expr<T> {
    return this.#read(type, this.select(field) + 1);
  }

  writeNext<T extends IntegerType>(_: Integer<T>, field: string, value: Expr<T>): void {
    this.#write(this.select(field) + 1, value);
  }

  writeLink(value: Expr<"i64">): void {
    this.#write(30, value);
  }

  requireVectors(): void {
    if (this.#vectorsAreOn) return;
    this.code.rarely(i32.load(ZERO, STATE.vectorTrap), () => this.leave());
    this.#vectorsAreOn = this.code.depth === this.#depth;
  }

  readVector(field: string, step = 0): Expr<"v128"> {
    return this.#parts.registers.readVector((this.select(field) + step) % 32);
  }

  writeVector(field: string, value: Expr<"v128">, step = 0): void {
    this.#parts.registers.writeVector((this.select(field) + step) % 32, value);
  }

  readFloat<T extends FloatType>(type: Float<T>, field: string): Expr<T> {
    const vector = this.readVector(field);
    const lane =
      type.type === "f64"
        ? v128.extract("f64x2.extract_lane", vector, 0)
        : v128.extract("f32x4.extract_lane", vector, 0);
    return lane as Expr<T>;
  }

  writeFloat<T extends FloatType>(type: Float<T>, field: string, value: Expr<T>): void {
    const zero = v128.of(0n);
    const vector =
      type.type === "f64"
        ? v128.replace("f64x2.replace_lane", zero, 0, value as Expr<"f64">)
        : v128.replace("f32x4.replace_lane", zero, 0, value as Expr<"f32">);
    this.writeVector(field, vector);
  }

  /** A copy in the state, as the register is before the instruction. */
  vectorAddress(field: string, step = 0): Expr<"i32"> {
    const address = STATE.vector((this.select(field) + step) % 32);
    this.code.store("v128", ZERO, this.readVector(field, step), address);
    return i32.of(address);
  }

  readFpcr(): Expr<"i32"> {
    return i32.load(ZERO, STATE.fpcr);
  }

  readFpsr(): Expr<"i32"> {
    return i32.load(ZERO, STATE.fpsr);
  }

  writeFpsr(value: Expr<"i32">): void {
    this.code.store("i32", ZERO, value, STATE.fpsr);
  }

  condition(number: number): Expr<"i32"> {
    return this.#parts.flags.condition(number);
  }

  setFlagsOf<T extends IntegerType>(type: Integer<T>, computed: Computed<T>): void {
    this.#parts.flags.setComputed(type, computed, this.#isConditional);
  }

  setFlags(n: Expr<"i64">, z: Expr<"i64">, c: Expr<"i32">, v: Expr<"i32">): void {
    this.#parts.flags.set(n, z, c, v);
  }

  setFlagsOfFloats<T extends FloatType>(type: Float<T>, a: Expr<T>, b: Expr<T>): void {
    this.#parts.flags.setCompared(type, a, b, this.#isConditional);
  }

  flagN(): Expr<"i32"> {
    return this.condition(4);
  }

  flagZ(): Expr<"i32"> {
    return this.condition(0);
  }

  flagC(): Expr<"i32"> {
    return this.condition(2);
  }

  flagV(): Expr<"i32"> {
    return this.condition(6);
  }

  pc(): Expr<"i64"> {
    return i64.of(this.#pc);
  }

  branch(_: (fields: Fields) => number, links = false): void {
    if (links) this.writeLink(i64.of(this.#pc + 4n));
  }

  branchIf(condition: Expr<"i32">): void {
    this.transfer = { kind: "if", condition };
  }

  branchTo(target: Expr<"i64">, returns = false): void {
    this.transfer = { kind: "to", target, returns };
  }

  exit(): void {
    this.leave();
  }

  exitAfter(): void {
    throw new Error("an instruction that leaves is not translated");
  }

  toLoad(address: Expr<"i64">, bytes: AccessBytes, options: AccessOptions = {}): Place {
    return this.#translateAddress(this.#parts.windows.load, 0, address, bytes, options);
  }

  toStore(address: Expr<"i64">, bytes: AccessBytes, options: AccessOptions = {}): Place {
    const { load, store } = this.#parts.windows;
    // What reads first faults otherwise: a window for it is one for both.
    const window = options.readsFirst === true && load === undefined ? undefined : store;
    return this.#translateAddress(window, STORES, address, bytes, options);
  }

  /** No store of translated code goes through the bounce buffer. */
  finishStore(): void {}

  detail(): Expr<"i64"> {
    throw new Error("an instruction that TypeScript answers is not translated");
  }

  host(): never {
    throw new Error("an instruction that calls TypeScript is not translated");
  }

  call<T extends ValueType>(type: T, name: FloatFunctionName, ...args: readonly Expr[]): Expr<T> {
    return callOf(type, this.#parts.imports.indexOf(name), args);
  }

  get #pc(): bigint {
    return BigInt.asUintN(64, this.#parts.entry + BigInt(this.#instruction.at));
  }

  get #isConditional(): boolean {
    return this.code.depth !== this.#depth;
  }

  #read<T extends IntegerType>(type: Integer<T>, slot: number): Expr<T> {
    const value = this.#parts.registers.readGeneral(slot);
    return (type.bits === 64 ? value : i32.wrap(value)) as Expr<T>;
  }

  #write(slot: number, value: Expr<IntegerType>): void {
    const wide = value.type === "i64" ? (value as Expr<"i64">) : i64.extendU(value as Expr<"i32">);
    this.#parts.registers.writeGeneral(slot, wide);
    this.#versions.set(slot, (this.#versions.get(slot) ?? 0) + 1);
    if (slot === SLOT.stackPointer) this.#stackIsAligned = false;
  }

  /** @param table of the translations: from those of loads to these. */
  #translateAddress(
    window: Window | undefined,
    table: number,
    address: Expr<"i64">,
    bytes: AccessBytes,
    { isAligned = false }: AccessOptions,
  ): Place {
    const { code } = this;
    this.#checkStack();
    const grouped = isAligned ? undefined : this.#inGroup(address, BigInt(bytes), table !== 0);
    if (grouped !== undefined) return grouped;
    const virtual = code.let(address);
    const low = code.let(i32.wrap(virtual));
    if (isAligned) code.rarely(i32.and(low, i32.of(bytes - 1)), () => this.leave());
    if (window === undefined || window.length < BigInt(bytes)) return this.#lookUp(table, virtual, low, bytes);
    const { addend } = window;
    this.#check({ base: virtual, offset: 0n, bytes: BigInt(bytes), window, table });
    if (isFlat(window)) return { address: displaced(low, Number(addend)) };
    return { address: code.let(i32.add(low, i32.of(Number(BigInt.asIntN(32, addend))))) };
  }

  /** A place that is checked with others of the same base. */
  #inGroup(address: Expr<"i64">, bytes: bigint, stores: boolean): Place | undefined {
    const { accesses, registers, windows, isSurvey } = this.#parts;
    const parts = partsOf(address);
    const slot = parts === undefined ? undefined : registers.slotOf(parts.register);
    if (parts === undefined || slot === undefined || this.#isConditional) return undefined;
    const { offset } = parts;
    const base = `${this.#block} ${slot} ${this.#versions.get(slot) ?? 0}`;
    const access = { base, offset, bytes, stores };
    if (isSurvey) accesses.note(access);
    const group = isSurvey ? undefined : accesses.groupOf(access);
    const window = group === undefined ? undefined : windowFor(windows, group.stores);
    if (group === undefined || window === undefined || !isFlat(window) || window.start < group.end) return undefined;
    const { length, addend } = window;
    const reach = group.end - group.min;
    if (length < reach || addend + group.min < 0n) return undefined;
    const { code } = this;
    let low = this.#checked.get(base);
    if (low === undefined) {
      const value = registers.readGeneral(slot);
      this.#check({ base: value, offset: group.min, bytes: reach, window, table: group.stores ? STORES : 0 });
      const local = code.lastingLocal("i32");
      code.set(local, i32.wrap(registers.readGeneral(slot)));
      low = code.get(local);
      this.#checked.set(base, low);
    }
    return { address: displaced(low, Number(addend + offset)) };
  }

  /**
   * Leaves where bytes are neither all in a window, nor in a page that is translated as the window is. That is so modulo 2^32;
   * of a flat window, a base of 31 bits makes it so without.
   */
  #check({ base, offset, bytes, window, table }: Checked): void {
    const { code } = this;
    const distance = i64.sub(base, i64.of(window.start - offset));
    code.rarely(i64.gtU(distance, i64.of(window.length - bytes)), () => {
      if (isFlat(window)) code.rarely(i32.ltS(i32.wrap(base), ZERO), () => this.leave());
      const addend = this.#translation(table, code.let(i64.add(base, i64.of(offset))), bytes);
      code.rarely(i32.ne(addend, i32.of(Number(BigInt.asIntN(32, window.addend)))), () => this.leave());
    });
  }

  /** By the page's translation, where there is one at hand. */
  #lookUp(table: number, virtual: Expr<"i64">, low: Expr<"i32">, bytes: number): Place {
    return { address: this.code.let(i32.add(low, this.#translation(table, virtual, BigInt(bytes)))) };
  }

  /** What makes a virtual address a host address; leaves where that is not at hand. @param virtual usable more than once. */
  #translation(table: number, virtual: Expr<"i64">, bytes: bigint): Expr<"i32"> {
    const { code } = this;
    const from = TRANSLATION_TABLES[this.#parts.level] + table;
    const entry = code.let(i32.and(i32.shrU(i32.wrap(virtual), i32.of(8)), i32.of(0xfff0)));
    // Of an access that crosses into another page, this is no tag.
    const tag = i64.and(i64.add(virtual, i64.of(bytes - 1n)), i64.of(PAGE_MASK));
    code.rarely(i64.ne(i64.load(entry, from + TRANSLATION.tag), tag), () => this.leave());
    return i32.load(entry, from + TRANSLATION.addend);
  }

  /** What has the stack pointer as its base may fault by it (D1.8.2): the interpreter knows. */
  #checkStack(): void {
    if (this.#instruction.placed.fields["Rn"] !== 31 || this.#stackIsAligned) return;
    const stack = this.#parts.registers.readGeneral(SLOT.stackPointer);
    const misaligned = i32.and(i32.wrap(stack), i32.of(STACK_ALIGNMENT - 1));
    this.code.rarely(misaligned, () => this.leave());
    this.#stackIsAligned = !this.#isConditional;
  }
}

/** Virtual addresses are offsets of host addresses that fit an instruction. */
function isFlat({ start, length, addend }: Window): boolean {
  return start + length <= OFFSET_MAX && addend >= 0n && addend < OFFSET_MAX;
}

function orStack(register: number): number {
  return register === SLOT.zero ? SLOT.stackPointer : register;
}
