/** The guest's registers in locals of a region's function: loaded where they are needed, stored on the ways out. */
import { SLOT, STATE } from "../layout.ts";
import type { Code, Local } from "../wasm/code.ts";
import { type Expr, i32, i64, variable } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";

/** A set of registers: a bit for each slot of the state, and above them one for each SIMD&FP register. */
export type RegisterSet = bigint;

const VECTORS_SHIFT = 64;
const ZERO = i32.of(0);

export class RegionRegisters {
  /** What was read and written since the last call of `begin`. */
  read: RegisterSet = 0n;
  written: RegisterSet = 0n;
  readonly #code: Code;
  readonly #general = new Map<number, Local<"i64">>();
  /** What reads a slot's local, and whose that is. */
  readonly #reads = new Map<number, Expr<"i64">>();
  readonly #slots = new Map<Expr, number>();
  readonly #vector = new Map<number, Local<"v128">>();

  constructor(code: Code) {
    this.#code = code;
  }

  /** Begins an instruction. */
  begin(): void {
    this.read = 0n;
    this.written = 0n;
  }

  /** @param slot of the state: 31 reads zero. */
  readGeneral(slot: number): Expr<"i64"> {
    if (slot === SLOT.zero) return i64.of(0n);
    this.read |= bitOf(slot);
    const known = this.#reads.get(slot);
    if (known !== undefined) return known;
    const made = variable("i64", this.#generalLocal(slot).index);
    this.#reads.set(slot, made);
    this.#slots.set(made, slot);
    return made;
  }

  writeGeneral(slot: number, value: Expr<"i64">): void {
    if (slot === SLOT.zero) return;
    this.written |= bitOf(slot);
    this.#code.set(this.#generalLocal(slot), value);
  }

  readVector(register: number): Expr<"v128"> {
    this.read |= bitOf(VECTORS_SHIFT + register);
    return variable("v128", this.#vectorLocal(register).index);
  }

  writeVector(register: number, value: Expr<"v128">): void {
    this.written |= bitOf(VECTORS_SHIFT + register);
    this.#code.set(this.#vectorLocal(register), value);
  }

  /** The slot whose value an expression is; undefined where it is none. */
  slotOf(value: Expr): number | undefined {
    return this.#slots.get(value);
  }

  /** From memory into locals. */
  load(registers: RegisterSet): void {
    const code = this.#code;
    for (const number of numbersOf(registers)) {
      if (number < VECTORS_SHIFT) code.set(this.#generalLocal(number), i64.load(ZERO, STATE.x(number)));
      else {
        const register = number - VECTORS_SHIFT;
        code.set(this.#vectorLocal(register), v128.load(ZERO, STATE.vector(register)));
      }
    }
  }

  /** From locals to memory. */
  store(registers: RegisterSet): void {
    const code = this.#code;
    for (const number of numbersOf(registers)) {
      if (number < VECTORS_SHIFT) code.store("i64", ZERO, code.get(this.#generalLocal(number)), STATE.x(number));
      else {
        const register = number - VECTORS_SHIFT;
        code.store("v128", ZERO, code.get(this.#vectorLocal(register)), STATE.vector(register));
      }
    }
  }

  #generalLocal(slot: number): Local<"i64"> {
    return kept(this.#general, slot, () => this.#code.lastingLocal("i64"));
  }

  #vectorLocal(register: number): Local<"v128"> {
    return kept(this.#vector, register, () => this.#code.lastingLocal("v128"));
  }
}

const BITS: readonly RegisterSet[] = Array.from({ length: VECTORS_SHIFT + 32 }, (_, number) => 1n << BigInt(number));

function bitOf(number: number): RegisterSet {
  return BITS[number] ?? 0n;
}

function numbersOf(registers: RegisterSet): readonly number[] {
  const numbers: number[] = [];
  for (let number = 0, rest = registers; rest !== 0n; number++, rest >>= 1n) {
    if ((rest & 1n) !== 0n) numbers.push(number);
  }
  return numbers;
}

function kept<V>(map: Map<number, V>, key: number, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
