/**
 * What an instruction's definition is written against. The interpreter runs a definition once for all instructions that share
 * what it selects by, and makes operands of their records; the translator runs it for one instruction, whose operands are
 * constants. So a definition asks for everything through its operation, and in the same order each time.
 */
import type { FloatFunctionName } from "../float/functions.ts";
import type { HostFunctionName } from "../host-functions.ts";
import type { Fields } from "../instruction/row.ts";
import type { Code } from "../wasm/code.ts";
import type { Expr, Float, FloatType, Integer, IntegerType, ValueType } from "../wasm/expression.ts";

/** An instruction as it lies in memory. */
export interface Placed {
  readonly fields: Fields;
  /** Its offset in its page, in bytes. */
  readonly pageOffset: number;
}

/** What an access to memory asks for beside its size. */
export interface AccessOptions {
  /** With the rights of EL0 (LDTR, STTR). */
  readonly isUnprivileged?: boolean;
  /** Faults where the address is no multiple of the size: exclusive, atomic, acquire and release. */
  readonly isAligned?: boolean;
  /** Of a store: it reads before (atomic instructions; "WnR" in D17.2.37). */
  readonly readsFirst?: boolean;
  /** What is to be a multiple of its size in memory of devices; the whole access where it is left out, up to 16 bytes. */
  readonly elementBytes?: ElementBytes;
}

/** What flags are made of; those of a logical result are N and Z alone. */
export type Computed<T extends IntegerType> =
  | { readonly kind: "sum" | "difference"; readonly a: Expr<T>; readonly b: Expr<T>; readonly result: Expr<T> }
  | { readonly kind: "logical"; readonly result: Expr<T> };

/** Bytes of an access. */
export type AccessBytes = 1 | 2 | 3 | 4 | 6 | 8 | 12 | 16 | 24 | 32 | 48 | 64;
export type ElementBytes = 1 | 2 | 4 | 8 | 16;

/** Where the data of an access lies, after its address was translated; a trap ends the instruction before. */
export interface Place {
  /** In the WebAssembly memory. */
  readonly address: Expr<"i32">;
}

/** Why an instruction leaves generated code; the number is what its function returns. */
export const EXIT = {
  /** A translated function of the guest returned to where translated code called it. */
  returned: 0,
  /** The branch's target is in `STATE.target`. */
  target: 1,
  /** The record is not filled yet. */
  decode: 2,
  /** The budget is used up; `STATE.record` is the next instruction. */
  budget: 3,
  /** An access faulted, or is to be served; what there is to know is with the memory. */
  access: 4,
  undefined: 5,
  svc: 6,
  brk: 7,
  eret: 8,
  /** MSR, MRS, SYS trap or stop: what there is to know is with the system registers. */
  system: 9,
  /** WFI, WFE, SEV, SEVL: the hint's number is in `STATE.detail`; not done yet. */
  hint: 10,
  /** FP or SIMD is disabled in CPACR_EL1. */
  vectorTrap: 11,
  /** A branch came to `STATE.record` often enough to translate what lies there. */
  hot: 13,
  /** The region of `STATE.record` was translated for other translations of addresses. */
  stale: 14,
  /** The instruction is complete; instructions after it are fetched anew. */
  synchronize: 12,
} as const;
export type ExitReason = (typeof EXIT)[keyof typeof EXIT];

export interface Operation {
  /** For locals, conditions and stores to the state. */
  readonly code: Code;
  /** A field that the definition branches on: different values get different code. */
  select(field: string): number;
  /** As `select`, of something computed from the fields and the place. */
  choose(name: string, compute: (placed: Placed) => number): number;
  /** Numbers made of the fields, known before the instruction runs. */
  i32(compute: (fields: Fields) => number): Expr<"i32">;
  i64(compute: (fields: Fields) => bigint): Expr<"i64">;

  /** A general register by the field that numbers it; 31 reads zero, and is not written. */
  read<T extends IntegerType>(type: Integer<T>, field: string): Expr<T>;
  /** The upper half becomes zero where the type is i32. */
  write<T extends IntegerType>(type: Integer<T>, field: string, value: Expr<T>): void;
  /** The same where 31 is the stack pointer. */
  readOrStack<T extends IntegerType>(type: Integer<T>, field: string): Expr<T>;
  writeOrStack<T extends IntegerType>(type: Integer<T>, field: string, value: Expr<T>): void;
  /** The register after the field's: of CASP. */
  readNext<T extends IntegerType>(type: Integer<T>, field: string): Expr<T>;
  writeNext<T extends IntegerType>(type: Integer<T>, field: string, value: Expr<T>): void;
  /** X30. */
  writeLink(value: Expr<"i64">): void;

  /** Traps where CPACR_EL1 disables FP and SIMD; before anything else that the instruction does. */
  requireVectors(): void;
  /** A SIMD&FP register whole, by its field, and `step` registers on, modulo 32. */
  readVector(field: string, step?: number): Expr<"v128">;
  writeVector(field: string, value: Expr<"v128">, step?: number): void;
  /** The lowest bits of a SIMD&FP register, unchanged whatever they are. */
  readFloat<T extends FloatType>(type: Float<T>, field: string): Expr<T>;
  /** The rest of the register becomes zero. */
  writeFloat<T extends FloatType>(type: Float<T>, field: string, value: Expr<T>): void;
  /** Its address in the state, for lanes that only run time knows. */
  vectorAddress(field: string, step?: number): Expr<"i32">;
  /** FPCR and FPSR. */
  readFpcr(): Expr<"i32">;
  readFpsr(): Expr<"i32">;
  writeFpsr(value: Expr<"i32">): void;

  /** Whether a condition holds (C1.2.4): 0 or 1. */
  condition(number: number): Expr<"i32">;
  /** Flags of what was computed; operands and result can be used more than once. */
  setFlagsOf<T extends IntegerType>(type: Integer<T>, computed: Computed<T>): void;
  /** Flags. `n` is negative where N is set, `z` zero where Z is set, `c` and `v` are 0 or 1. All can be used once more. */
  setFlags(n: Expr<"i64">, z: Expr<"i64">, c: Expr<"i32">, v: Expr<"i32">): void;
  /** Flags of a floating-point comparison (`FPCompare`); the operands can be used more than once. */
  setFlagsOfFloats<T extends FloatType>(type: Float<T>, a: Expr<T>, b: Expr<T>): void;
  flagN(): Expr<"i32">;
  flagZ(): Expr<"i32">;
  flagC(): Expr<"i32">;
  flagV(): Expr<"i32">;

  /** Address of the instruction. */
  pc(): Expr<"i64">;
  /** Branches to the instruction's address plus so many bytes. @param links writes X30 before. Ends the definition's path. */
  branch(offset: (fields: Fields) => number, links?: boolean): void;
  branchIf(condition: Expr<"i32">, offset: (fields: Fields) => number): void;
  /** @param returns to where a call came from, as far as one can tell. */
  branchTo(target: Expr<"i64">, returns?: boolean): void;
  /** Leaves generated code without having done anything; TypeScript goes on. */
  exit(reason: ExitReason, detail?: Expr<"i64">): void;
  /** Leaves generated code with the instruction complete. */
  exitAfter(reason: ExitReason): void;

  /**
   * Translates the address of a load, or traps; the definition must not have written anything yet. The base is the field `Rn`,
   * where the row has one: 31 is the stack pointer, whose alignment may be checked.
   */
  toLoad(address: Expr<"i64">, bytes: AccessBytes, options?: AccessOptions): Place;
  /** The same for a store, which `finishStore` follows once all its bytes are written. */
  toStore(address: Expr<"i64">, bytes: AccessBytes, options?: AccessOptions): Place;
  finishStore(place: Place): void;

  /** What TypeScript left for the instruction beside its answer. */
  detail(): Expr<"i64">;
  /** Calls a function of the floating-point library, which may change FPSR and `STATE.floatLimit64` and `32`. */
  call<T extends ValueType>(type: T, name: FloatFunctionName, ...args: readonly Expr[]): Expr<T>;
  /** Calls TypeScript. */
  host<T extends IntegerType>(type: Integer<T>, name: HostFunctionName, ...args: readonly Expr<IntegerType>[]): Expr<T>;
}

export type Semantics = (op: Operation) => void;
/** By the name of its row. */
export type SemanticsTable = Readonly<Record<string, Semantics>>;
