/**
 * The registers that start code uses, by purpose. A system call takes `number` and `arg0`…`arg5`, gives `result`, and
 * preserves only `keep0`…`keep4`. `result` shares its register with `number` (x86-64) or `arg0` (AArch64): copy it
 * before setting up the next call.
 */
export type Register =
  | "arg0"
  | "arg1"
  | "arg2"
  | "arg3"
  | "arg4"
  | "arg5"
  | "number"
  | "result"
  | "keep0"
  | "keep1"
  | "keep2"
  | "keep3"
  | "keep4"
  | "scratch0";

export type Condition = "equal" | "notEqual" | "unsignedBelow" | "unsignedAtLeast" | "signedLess";

/** Width of a memory access in bytes; narrower loads extend with zeros. */
export type Width = 1 | 2 | 4 | 8;

/** A place in the code or in the data behind it. */
export interface Label {
  readonly name: string;
}

/**
 * Assembles position-fixed start code of one architecture. Every operation is one that both architectures have, so that
 * the start program is written once; constants are 64-bit and unsigned unless said otherwise.
 */
export interface Assembler {
  label(name: string): Label;
  /** Puts the label at the current place. */
  place(label: Label): void;
  /** Appends data at a multiple of `alignBytes`; never executed. */
  data(bytes: Uint8Array, alignBytes: number): void;
  /** Appends the 64-bit address of `label` at a multiple of 8. */
  dataAddress(label: Label): void;

  set(to: Register, value: bigint | number): void;
  setAddress(to: Register, label: Label): void;
  copy(to: Register, from: Register): void;
  readStackPointer(to: Register): void;
  load(to: Register, base: Register, offset: number, width: Width): void;
  store(from: Register, base: Register, offset: number, width: Width): void;
  add(to: Register, from: Register): void;
  /** Adds a signed constant, -4095 to 4095; throws `RangeError` for any other. */
  addConstant(to: Register, value: number): void;
  subtract(to: Register, from: Register): void;
  and(to: Register, from: Register): void;
  compare(left: Register, right: Register): void;
  branch(condition: Condition, target: Label): void;
  jump(target: Label): void;
  systemCall(): void;
  /** Sets the stack pointer and the first argument, clears every other register and goes to `entry`. */
  enter(entry: bigint, stackPointer: bigint, argument: bigint): void;

  /** The finished bytes for code that lies at `address`; throws `RangeError` where a branch does not reach. */
  finish(address: bigint): Uint8Array;
  /** Address of a placed label once the code lies at `address`. */
  addressOf(label: Label, address: bigint): bigint;
}

/** What one instruction of each architecture can add. */
const CONSTANT_MAX = 4095;

/** @throws RangeError where the constant is none that `addConstant` takes. */
export function checkConstant(value: number): void {
  if (!Number.isInteger(value) || Math.abs(value) > CONSTANT_MAX) throw new RangeError(`a constant of ${value}`);
}
