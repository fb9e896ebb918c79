/** The body of one WebAssembly function, statement by statement. */
import { type Expr, localGet, type ValueType } from "./expression.ts";
import { unsigned } from "./leb128.ts";
import { V128_STORE } from "./vector.ts";

export const TYPE_CODE: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

const STORE = {
  i8: [0x3a],
  i16: [0x3b],
  i32: [0x36],
  i64: [0x37],
  f32: [0x38],
  f64: [0x39],
  v128: [0xfd, V128_STORE],
} as const;
/** `i8` and `i16` store the low bits of an i32. */
export type StoreWidth = keyof typeof STORE;
type StoredType<W extends StoreWidth> = W extends "i8" | "i16" ? "i32" : W extends ValueType ? W : never;

const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const ELSE = 0x05;
const END = 0x0b;
const NO_RESULT = 0x40;

/** A local variable. */
export interface Local<T extends ValueType> {
  readonly type: T;
  readonly index: number;
}

/** What a condition nearly always is. */
export interface Hint {
  /** Of its `if` or `br_if`, from the body's locals on. */
  readonly at: number;
  readonly holds: boolean;
}

/** A function's body. */
export interface Body {
  /** Locals, statements and the end, with their length before them, as the code section has it. */
  readonly bytes: readonly number[];
  readonly hints: readonly Hint[];
}

/** A block or loop that a branch can name. */
export interface Label {
  readonly depth: number;
}

export class Code {
  readonly #bytes: number[] = [];
  readonly #locals: ValueType[] = [];
  readonly #parameters: number;
  readonly #emitted = new Set<Expr>();
  /** Locals given since the last call of `reuseLocals`, and those that may be given again. */
  #given: Local<ValueType>[] = [];
  readonly #free = new Map<ValueType, Local<ValueType>[]>();
  readonly #hints: Hint[] = [];
  #depth = 0;

  /** @param parameters the function's own, which are its first locals. */
  constructor(parameters: readonly ValueType[]) {
    this.#parameters = parameters.length;
  }

  /** Blocks, loops and conditions that the next statement lies in. */
  get depth(): number {
    return this.#depth;
  }

  /** Bytes of the statements so far. */
  get byteCount(): number {
    return this.#bytes.length;
  }

  /** A local whose value is whatever it was before. */
  local<T extends ValueType>(type: T): Local<T> {
    const local = (this.#free.get(type)?.pop() as Local<T> | undefined) ?? this.lastingLocal(type);
    this.#given.push(local);
    return local;
  }

  /** A local that nobody else gets; 0 at the begin. */
  lastingLocal<T extends ValueType>(type: T): Local<T> {
    this.#locals.push(type);
    return { type, index: this.#parameters + this.#locals.length - 1 };
  }

  /** What `local` and `let` gave is not used any more. A function has few locals then, and needs little of the host's stack. */
  reuseLocals(): void {
    for (const local of this.#given) {
      const free = this.#free.get(local.type);
      if (free === undefined) this.#free.set(local.type, [local]);
      else free.push(local);
    }
    this.#given = [];
    this.#emitted.clear();
  }

  /** Computes a value now; the result can be used any number of times. */
  let<T extends ValueType>(value: Expr<T>): Expr<T> {
    if (isLeaf(value) && value.isVariable !== true) return value;
    const local = this.local(value.type);
    this.set(local, value);
    return localGet(local.type, local.index);
  }

  set<T extends ValueType>(local: Local<T>, value: Expr<T>): void {
    this.#emit(value);
    this.#bytes.push(0x21, ...unsigned(local.index));
  }

  get<T extends ValueType>(local: Local<T>): Expr<T> {
    return localGet(local.type, local.index);
  }

  /** Computes a value for what its computing does. */
  drop(value: Expr): void {
    this.#emit(value);
    this.#bytes.push(0x1a);
  }

  /** A call of a function without a result. */
  call(index: number, args: readonly Expr[]): void {
    for (const arg of args) this.#emit(arg);
    this.#bytes.push(0x10, ...unsigned(index));
  }

  store<W extends StoreWidth>(width: W, address: Expr<"i32">, value: Expr<StoredType<W>>, offset = 0): void {
    const to = address.displaced ?? { base: address, offset: 0 };
    this.#emit(to.base);
    this.#emit(value);
    this.#bytes.push(...STORE[width], 0, ...unsigned(to.offset + offset));
  }

  if(condition: Expr<"i32">, then: () => void, otherwise?: () => void): void {
    if (condition.constant !== undefined) {
      if (condition.constant !== 0) then();
      else otherwise?.();
      return;
    }
    this.#emit(condition);
    this.#enter(IF, then, otherwise);
  }

  /** As `if` of a condition that seldom holds: its statements lie out of the way where the host takes hints. */
  rarely(condition: Expr<"i32">, then: () => void): void {
    if (condition.constant !== undefined) {
      this.if(condition, then);
      return;
    }
    this.#emit(condition);
    this.#hints.push({ at: this.#bytes.length, holds: false });
    this.#enter(IF, then);
  }

  block(body: (label: Label) => void): void {
    this.#enter(BLOCK, () => body({ depth: this.#depth }));
  }

  loop(body: (label: Label) => void): void {
    this.#enter(LOOP, () => body({ depth: this.#depth }));
  }

  /** Leaves a block, or begins a loop anew. @param isUsual the condition nearly always holds. */
  branch(label: Label, condition?: Expr<"i32">, isUsual = false): void {
    if (condition !== undefined) this.#emit(condition);
    if (isUsual) this.#hints.push({ at: this.#bytes.length, holds: true });
    this.#bytes.push(condition === undefined ? 0x0c : 0x0d, ...unsigned(this.#depth - label.depth));
  }

  /** @param labels one for each value from 0 on. @param otherwise for every other. */
  branchTable(value: Expr<"i32">, labels: readonly Label[], otherwise: Label): void {
    this.#emit(value);
    const depths = [...labels, otherwise].map(({ depth }) => unsigned(this.#depth - depth));
    this.#bytes.push(0x0e, ...unsigned(labels.length), ...depths.flat());
  }

  return(value: Expr): void {
    this.#emit(value);
    this.#bytes.push(0x0f);
  }

  /** Calls a function of the same module in place of this one. */
  returnCall(index: number, args: readonly Expr[]): void {
    for (const arg of args) this.#emit(arg);
    this.#bytes.push(0x12, ...unsigned(index));
  }

  /** Calls a function of table 0 in place of this one. @param type its index in the module. */
  returnCallIndirect(type: number, args: readonly Expr[], element: Expr<"i32">): void {
    for (const arg of args) this.#emit(arg);
    this.#emit(element);
    this.#bytes.push(0x13, ...unsigned(type), 0);
  }

  unreachable(): void {
    this.#bytes.push(0x00);
  }

  finish(): Body {
    const locals = this.#locals.flatMap((type) => [1, TYPE_CODE[type]]);
    const body = [...unsigned(this.#locals.length), ...locals];
    const length = body.length + this.#bytes.length + 1;
    const hints = this.#hints.map(({ at, holds }) => ({ at: body.length + at, holds }));
    return { bytes: unsigned(length).concat(body, this.#bytes, [END]), hints };
  }

  #enter(opcode: number, body: () => void, otherwise?: () => void): void {
    this.#bytes.push(opcode, NO_RESULT);
    this.#depth++;
    body();
    if (otherwise !== undefined) {
      this.#bytes.push(ELSE);
      otherwise();
    }
    this.#depth--;
    this.#bytes.push(END);
  }

  #emit(value: Expr): void {
    if (!isLeaf(value)) {
      if (this.#emitted.has(value)) throw new Error("a value is computed twice; put it into a local with let");
      this.#emitted.add(value);
    }
    for (const arg of value.args) this.#emit(arg);
    for (const byte of value.bytes) this.#bytes.push(byte);
  }
}

/** Constants and locals; what has no operands has no effect, and costs nothing to compute again. */
function isLeaf(value: Expr): boolean {
  return value.args.length === 0 && value.bytes[0] !== 0x10;
}
