/** The interpreter's side of a definition: operands come from the record, registers from the state in memory. */
import { countHeat, returnIfCalled } from "../dispatch.ts";
import type { FloatFunctionName } from "../float/functions.ts";
import { ACCESS, accessOf, type HostFunctionName, type Imports } from "../host-functions.ts";
import type { Fields } from "../instruction/row.ts";
import {
  BOUNCE_END,
  CODE,
  CODE_PAGES,
  RECORD,
  SLOT,
  STATE,
  STORES,
  TRANSLATION,
  TRANSLATION_TABLES,
} from "../layout.ts";
import { conditionOfFlags, setComparedFlags, setComputedFlags } from "../semantics/flags.ts";
import {
  type AccessBytes,
  type AccessOptions,
  type Computed,
  EXIT,
  type ExitReason,
  type Operation,
  type Place,
  type Placed,
} from "../semantics/operation.ts";
import { type Body, Code } from "../wasm/code.ts";
import {
  callOf,
  type Expr,
  type Float,
  type FloatType,
  type Integer,
  type IntegerType,
  i32,
  i64,
  localGet,
  type ValueType,
} from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";

/** Addresses in the state take 16 bits, so that many fit. */
type OperandType = "u16" | "i32" | "i64";
const OPERAND_BYTES: Readonly<Record<OperandType, number>> = { u16: 2, i32: 4, i64: 8 };

/** Writes one operand of an instruction into its record. */
export interface Filler {
  /** In the record. */
  readonly offset: number;
  readonly type: OperandType;
  readonly compute: (placed: Placed) => number | bigint;
}

/** What a definition branched on, and what that was. */
export interface Selection {
  readonly key: string;
  readonly compute: (placed: Placed) => number;
  readonly value: number;
}

const ZERO = i32.of(0);
const PAGE_MASK = -4096n;
/** Of an address of code: its page, and the bits that must be zero. */
const CODE_PAGE_MASK = ~0xffcn;

/** A branch back by so many bytes of records counts twice: by 16 instructions. */
const LOOP_COST_SHIFT = Math.log2(16 * RECORD.bytes);
/** Of a branch to another page, or to an address in a register. */
const JUMP_COST = 16;

function fieldOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (value === undefined) throw new Error(`the row has no field ${name}`);
  return value;
}

export class RecordOperation implements Operation {
  readonly code = new Code(["i32"]);
  readonly fillers: Filler[] = [];
  readonly selections: Selection[] = [];
  readonly #placed: Placed;
  readonly #imports: Imports;
  readonly #record = localGet("i32", 0);
  readonly #slots = new Map<string, number>();
  /** Bytes of the record that hold operands. */
  readonly #usedBytes = new Set<number>();
  #ended = false;

  /** @param placed an instruction of those that the handler is for. @param imports of the module that the function is for. */
  constructor(placed: Placed, imports: Imports) {
    this.#placed = placed;
    this.#imports = imports;
  }

  /** The function's body; the definition has run. */
  finish(): Body {
    if (!this.#ended) this.#dispatch(i32.add(this.#record, i32.of(RECORD.bytes)));
    else this.code.unreachable();
    return this.code.finish();
  }

  select(field: string): number {
    return this.choose(field, ({ fields }) => fieldOf(fields, field));
  }

  choose(key: string, compute: (placed: Placed) => number): number {
    const known = this.selections.find((selection) => selection.key === key);
    if (known !== undefined) return known.value;
    const value = compute(this.#placed);
    this.selections.push({ key, compute, value });
    return value;
  }

  i32(compute: (fields: Fields) => number): Expr<"i32"> {
    const offset = this.#take("i32", ({ fields }) => compute(fields));
    return i32.load(this.#record, offset);
  }

  i64(compute: (fields: Fields) => bigint): Expr<"i64"> {
    const offset = this.#take("i64", ({ fields }) => compute(fields));
    return i64.load(this.#record, offset);
  }

  read<T extends IntegerType>(type: Integer<T>, field: string): Expr<T> {
    return type.load(this.#register(field, SLOT.zero));
  }

  write<T extends IntegerType>(_: Integer<T>, field: string, value: Expr<T>): void {
    this.#store(this.#register(field, SLOT.sink), value);
  }

  readOrStack<T extends IntegerType>(type: Integer<T>, field: string): Expr<T> {
    return type.load(this.#register(field, SLOT.stackPointer));
  }

  writeOrStack<T extends IntegerType>(_: Integer<T>, field: string, value: Expr<T>): void {
    this.#store(this.#register(field, SLOT.stackPointer), value);
  }

  readNext<T extends IntegerType>(type: Integer<T>, field: string): Expr<T> {
    return type.load(this.#register(field, SLOT.zero, 1));
  }

  writeNext<T extends IntegerType>(_: Integer<T>, field: string, value: Expr<T>): void {
    this.#store(this.#register(field, SLOT.sink, 1), value);
  }

  writeLink(value: Expr<"i64">): void {
    this.code.store("i64", ZERO, value, STATE.x(30));
  }

  requireVectors(): void {
    this.code.if(i32.load(ZERO, STATE.vectorTrap), () => this.exit(EXIT.vectorTrap));
  }

  readVector(field: string, step = 0): Expr<"v128"> {
    return v128.load(this.vectorAddress(field, step));
  }

  writeVector(field: string, value: Expr<"v128">, step = 0): void {
    this.code.store("v128", this.vectorAddress(field, step), value);
  }

  readFloat<T extends FloatType>(type: Float<T>, field: string): Expr<T> {
    return type.load(this.vectorAddress(field));
  }

  writeFloat<T extends FloatType>(type: Float<T>, field: string, value: Expr<T>): void {
    const { code } = this;
    const bits = type.type === "f32" ? i64.extendU(i32.reinterpret(value as Expr<"f32">)) : (value as Expr<"f64">);
    code.store(bits.type, this.vectorAddress(field), bits);
    code.store("i64", this.vectorAddress(field), i64.of(0n), 8);
  }

  vectorAddress(field: string, step = 0): Expr<"i32"> {
    return this.#stateAddress(`vector ${field} ${step}`, ({ fields }) =>
      STATE.vector((fieldOf(fields, field) + step) % 32),
    );
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
    return conditionOfFlags(this, number);
  }

  setFlagsOf<T extends IntegerType>(type: Integer<T>, computed: Computed<T>): void {
    setComputedFlags(this, type, computed);
  }

  setFlags(n: Expr<"i64">, z: Expr<"i64">, c: Expr<"i32">, v: Expr<"i32">): void {
    this.code.store("i64", ZERO, n, STATE.n);
    this.code.store("i64", ZERO, z, STATE.z);
    this.code.store("i32", ZERO, c, STATE.c);
    this.code.store("i32", ZERO, v, STATE.v);
  }

  setFlagsOfFloats<T extends FloatType>(type: Float<T>, a: Expr<T>, b: Expr<T>): void {
    setComparedFlags(this, type, a, b);
  }

  flagN(): Expr<"i32"> {
    return i64.ltS(i64.load(ZERO, STATE.n), i64.of(0n));
  }

  flagZ(): Expr<"i32"> {
    return i64.eqz(i64.load(ZERO, STATE.z));
  }

  flagC(): Expr<"i32"> {
    return i32.load(ZERO, STATE.c);
  }

  flagV(): Expr<"i32"> {
    return i32.load(ZERO, STATE.v);
  }

  pc(): Expr<"i64"> {
    return i64.add(i64.load(ZERO, STATE.pcBase), i64.extendU(i32.shrU(this.#record, i32.of(3))));
  }

  branch(offset: (fields: Fields) => number, links = false): void {
    if (links) this.writeLink(i64.add(this.pc(), i64.of(4n)));
    this.#end();
    const reach = this.choose("reach", (placed) => reachOf(placed, offset(placed.fields)));
    if (reach === REACH.far) {
      const distance = this.i64((fields) => BigInt(offset(fields)));
      this.#goTo(i64.add(this.pc(), distance));
      return;
    }
    const distance = this.i32((fields) => (offset(fields) / 4) * RECORD.bytes);
    const target = this.code.let(i32.add(this.#record, distance));
    if (reach === REACH.backward) {
      this.#spend(target, i32.add(i32.shrU(i32.sub(this.#record, target), i32.of(LOOP_COST_SHIFT)), i32.of(1)));
    }
    this.#dispatch(target);
  }

  branchIf(condition: Expr<"i32">, offset: (fields: Fields) => number): void {
    this.code.if(condition, () => this.branch(offset));
  }

  branchTo(target: Expr<"i64">, returns = false): void {
    this.#end();
    const to = this.code.let(target);
    if (returns) returnIfCalled(this.code, to);
    this.#goTo(to);
  }

  exit(reason: ExitReason, detail?: Expr<"i64">): void {
    this.#end();
    if (detail !== undefined) this.code.store("i64", ZERO, detail, STATE.detail);
    this.code.store("i32", ZERO, this.#record, STATE.record);
    this.code.return(i32.of(reason));
  }

  exitAfter(reason: ExitReason): void {
    this.#end();
    this.code.store("i32", ZERO, i32.add(this.#record, i32.of(RECORD.bytes)), STATE.record);
    this.code.return(i32.of(reason));
  }

  toLoad(address: Expr<"i64">, bytes: AccessBytes, options: AccessOptions = {}): Place {
    return this.#translate("translateLoad", 0, address, bytes, options);
  }

  toStore(address: Expr<"i64">, bytes: AccessBytes, options: AccessOptions = {}): Place {
    return this.#translate("translateStore", STORES, address, bytes, options);
  }

  finishStore({ address }: Place): void {
    this.code.if(i32.ltU(address, i32.of(BOUNCE_END)), () => {
      const answer = callOf("i32", this.#imports.indexOf("finishStore"), []);
      this.code.if(answer, () => this.code.return(i32.of(EXIT.access)));
    });
  }

  detail(): Expr<"i64"> {
    return i64.load(ZERO, STATE.detail);
  }

  call<T extends ValueType>(type: T, name: FloatFunctionName, ...args: readonly Expr[]): Expr<T> {
    return callOf(type, this.#imports.indexOf(name), args);
  }

  host<T extends IntegerType>(
    type: Integer<T>,
    name: HostFunctionName,
    ...args: readonly Expr<IntegerType>[]
  ): Expr<T> {
    this.code.store("i32", ZERO, this.#record, STATE.record);
    return callOf(type.type, this.#imports.indexOf(name), args);
  }

  /** @param table of the translations: those of loads come first. */
  #translate(
    name: "translateLoad" | "translateStore",
    table: number,
    address: Expr<"i64">,
    bytes: AccessBytes,
    options: AccessOptions,
  ): Place {
    const { code } = this;
    const virtual = code.let(address);
    const low = code.let(i32.wrap(virtual));
    const host = code.local("i32");
    const isStack = this.choose("base is the stack pointer", ({ fields }) => (fields["Rn"] === 31 ? 1 : 0)) === 1;
    const stack = isStack ? code.let(i64.and(this.readOrStack(i64, "Rn"), i64.of(15))) : i64.of(0);
    const slowly = () => {
      const how = i32.or(i32.shl(i32.wrap(stack), i32.of(ACCESS.stackShift)), i32.of(accessOf(bytes, options)));
      code.store("i64", ZERO, virtual, STATE.detail);
      code.store("i32", ZERO, this.#record, STATE.record);
      code.set(host, callOf("i32", this.#imports.indexOf(name), [how]));
      code.if(i32.eq(code.get(host), i32.of(-1)), () => code.return(i32.of(EXIT.access)));
    };
    const index = i32.and(i32.shrU(low, i32.of(8)), i32.of(0xfff0));
    const tables = options.isUnprivileged ? i32.of(TRANSLATION_TABLES[0]) : i32.load(ZERO, STATE.translations);
    const entry = code.let(i32.add(tables, index));
    // Of an access that crosses into another page, or is not aligned as it must be, this is no tag.
    const tag = options.isAligned
      ? i64.and(virtual, i64.of(PAGE_MASK | BigInt(bytes - 1)))
      : i64.and(i64.add(virtual, i64.of(bytes - 1)), i64.of(PAGE_MASK));
    code.if(
      i64.eq(i64.load(entry, table + TRANSLATION.tag), i64.or(tag, stack)),
      () => code.set(host, i32.add(low, i32.load(entry, table + TRANSLATION.addend))),
      slowly,
    );
    return { address: code.get(host) };
  }

  #register(field: string, thirtyOne: number, step = 0): Expr<"i32"> {
    return this.#stateAddress(`x ${field} ${thirtyOne} ${step}`, ({ fields }) => {
      const register = fieldOf(fields, field) + step;
      return STATE.x(register === 31 ? thirtyOne : register);
    });
  }

  #store(address: Expr<"i32">, value: Expr<IntegerType>): void {
    const wide = value.type === "i64" ? (value as Expr<"i64">) : i64.extendU(value as Expr<"i32">);
    this.code.store("i64", address, wide);
  }

  /** An address in the state. @param key operands of the same key are the same. */
  #stateAddress(key: string, compute: (placed: Placed) => number): Expr<"i32"> {
    const offset = this.#slots.get(key) ?? this.#take("u16", compute);
    this.#slots.set(key, offset);
    return i32.load16U(this.#record, offset);
  }

  #take(type: OperandType, compute: (placed: Placed) => number | bigint): number {
    const bytes = OPERAND_BYTES[type];
    let offset: number = RECORD.operands;
    const isFree = (at: number) => {
      for (let byte = at; byte < at + bytes; byte++) if (this.#usedBytes.has(byte)) return false;
      return true;
    };
    while (!isFree(offset)) offset += bytes;
    if (offset + bytes > RECORD.bytes) throw new Error("an instruction has more operands than a record holds");
    for (let byte = offset; byte < offset + bytes; byte++) this.#usedBytes.add(byte);
    this.fillers.push({ offset, type, compute });
    return offset;
  }

  /** Where nothing surrounds it, the definition's way ends here. */
  #end(): void {
    if (this.code.depth === 0) this.#ended = true;
  }

  #dispatch(record: Expr<"i32">): void {
    const next = this.code.let(record);
    if (this.#imports.usesTable) this.code.returnCallIndirect(0, [next], i32.load(next, RECORD.handler));
    else this.code.returnCall(this.#imports.indexOf("enter"), [next]);
  }

  /** Counts a branch by what may run up to the next, and leaves generated code once it was enough, in all or to one place. */
  #spend(target: Expr<"i32">, cost: Expr<"i32">): void {
    const { code } = this;
    const left = code.let(i32.sub(i32.load(ZERO, STATE.budget), cost));
    code.store("i32", ZERO, left, STATE.budget);
    code.if(i32.ltS(left, i32.of(0)), () => {
      code.store("i32", ZERO, target, STATE.record);
      code.return(i32.of(EXIT.budget));
    });
    countHeat(code, target);
  }

  #goTo(address: Expr<"i64">): void {
    const { code } = this;
    const target = code.let(address);
    const low = code.let(i32.wrap(target));
    const index = i32.and(i32.shrU(low, i32.of(8)), i32.of((CODE_PAGES - 1) * TRANSLATION.bytes));
    const entry = code.let(i32.add(i32.load(ZERO, STATE.translations), index));
    const tag = i64.and(target, i64.of(CODE_PAGE_MASK));
    code.if(i64.eq(i64.load(entry, CODE + TRANSLATION.tag), tag), () => {
      const first = i32.load(entry, CODE + TRANSLATION.addend);
      const record = code.let(i32.add(first, i32.shl(i32.and(low, i32.of(0xffc)), i32.of(3))));
      code.store("i64", ZERO, i64.sub(target, i64.extendU(i32.shrU(record, i32.of(3)))), STATE.pcBase);
      this.#spend(record, i32.of(JUMP_COST));
      this.#dispatch(record);
    });
    code.store("i64", ZERO, target, STATE.target);
    code.return(i32.of(EXIT.target));
  }
}

const REACH = { forward: 0, backward: 1, far: 2 } as const;

function reachOf({ pageOffset }: Placed, offset: number): number {
  const target = pageOffset + offset;
  if (target < 0 || target >= 4096) return REACH.far;
  return offset > 0 ? REACH.forward : REACH.backward;
}
