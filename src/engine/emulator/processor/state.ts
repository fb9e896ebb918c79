/** A processor's registers and PSTATE: in the machine's memory what instructions use, the rest beside it. */
import { SLOT, STATE, TRANSLATION_TABLES } from "../layout.ts";
import type { MachineMemory } from "./memory.ts";
import type { SystemRegisters } from "./registers.ts";
import { EXCEPTION_CLASS, systemAccessIss, type Trap } from "./syndrome.ts";

export type Level = 0 | 1;

/** PSTATE, as SPSR_EL1 has it (C5.2.18). */
export const PSTATE = {
  stackOfLevel: 1n << 0n,
  level: 1n << 2n,
  mode: 0x1fn,
  masks: 0xfn << 6n,
  illegal: 1n << 20n,
  singleStep: 1n << 21n,
} as const;
const FLAGS = { n: 1n << 31n, z: 1n << 30n, c: 1n << 29n, v: 1n << 28n } as const;
const NO_ADDRESS = -1n;

export class ProcessorState {
  readonly memory: MachineMemory;
  readonly registers: SystemRegisters;
  /** D, A, I and F at their places in PSTATE. */
  masks = PSTATE.masks;
  isIllegal = false;
  /** PSTATE.SS: one instruction is done before a step ends. */
  singleStep = false;
  /** Exceptions that were taken. */
  exceptionCount = 0;
  /** The event register, which WFE waits for (D1.6.1). */
  hasEvent = false;
  /** What the instruction at hand met, until the exception is taken. */
  trap: Trap | undefined;
  #level: Level = 1;
  #stackOfLevel = true;
  /** SP_EL0 and SP_EL1, of which the one in use is in the machine's memory. */
  readonly #stackPointers: [bigint, bigint] = [0n, 0n];
  #pc = 0n;

  constructor(memory: MachineMemory, registers: SystemRegisters) {
    this.memory = memory;
    this.registers = registers;
    this.useLevel();
    this.clearExclusive();
    this.view.setBigInt64(STATE.z, 1n, true);
  }

  get view(): DataView {
    return this.memory.view;
  }

  get pc(): bigint {
    return this.#pc;
  }

  set pc(value: bigint) {
    this.#pc = BigInt.asUintN(64, value);
  }

  get level(): Level {
    return this.#level;
  }

  get stackOfLevel(): boolean {
    return this.#stackOfLevel;
  }

  /** Which of SP_EL0 and SP_EL1 is in use. */
  get stackInUse(): Level {
    return this.#level === 1 && this.#stackOfLevel ? 1 : 0;
  }

  /** X0 to X30; 31 is the stack pointer in use. */
  getRegister(number: number): bigint {
    return this.view.getBigUint64(STATE.x(number === 31 ? SLOT.stackPointer : number), true);
  }

  setRegister(number: number, value: bigint): void {
    this.view.setBigUint64(STATE.x(number === 31 ? SLOT.stackPointer : number), BigInt.asUintN(64, value), true);
  }

  /** SP_EL0 while SP_EL1 is in use. */
  get otherStackPointer(): bigint {
    return this.#stackPointers[0];
  }

  set otherStackPointer(value: bigint) {
    this.#stackPointers[0] = value;
  }

  /** As SPSR_EL1 has it. */
  get pstate(): bigint {
    const mode = (this.#level === 1 ? PSTATE.level : 0n) | (this.#stackOfLevel ? PSTATE.stackOfLevel : 0n);
    const flags = (this.isIllegal ? PSTATE.illegal : 0n) | (this.singleStep ? PSTATE.singleStep : 0n);
    return this.nzcv | this.masks | flags | mode;
  }

  set pstate(value: bigint) {
    this.nzcv = value;
    this.masks = value & PSTATE.masks;
    this.isIllegal = (value & PSTATE.illegal) !== 0n;
    this.singleStep = (value & PSTATE.singleStep) !== 0n;
    this.setLevel((value & PSTATE.level) !== 0n ? 1 : 0, (value & PSTATE.stackOfLevel) !== 0n);
  }

  /** Bits 31 to 28. */
  get nzcv(): bigint {
    const { view } = this;
    return (
      (view.getBigInt64(STATE.n, true) < 0n ? FLAGS.n : 0n) |
      (view.getBigInt64(STATE.z, true) === 0n ? FLAGS.z : 0n) |
      (view.getInt32(STATE.c, true) !== 0 ? FLAGS.c : 0n) |
      (view.getInt32(STATE.v, true) !== 0 ? FLAGS.v : 0n)
    );
  }

  set nzcv(value: bigint) {
    const { view } = this;
    view.setBigInt64(STATE.n, (value & FLAGS.n) !== 0n ? -1n : 0n, true);
    view.setBigInt64(STATE.z, (value & FLAGS.z) !== 0n ? 0n : 1n, true);
    view.setInt32(STATE.c, (value & FLAGS.c) !== 0n ? 1 : 0, true);
    view.setInt32(STATE.v, (value & FLAGS.v) !== 0n ? 1 : 0, true);
  }

  setLevel(level: Level, stackOfLevel: boolean): void {
    this.#stackPointers[this.stackInUse] = this.getRegister(31);
    this.#level = level;
    this.#stackOfLevel = stackOfLevel;
    this.setRegister(31, this.#stackPointers[this.stackInUse]);
    this.useLevel();
  }

  /** Brings into the machine's memory what depends on the exception level. */
  useLevel(): void {
    this.view.setUint32(STATE.translations, TRANSLATION_TABLES[this.#level], true);
    this.memory.translations.level = this.#level;
    const enabled = Number(this.registers.get("cpacr_el1") >> 20n) & 3;
    const traps = enabled === 3 ? false : enabled === 1 ? this.#level === 0 : true;
    this.view.setUint32(STATE.vectorTrap, traps ? 1 : 0, true);
  }

  get vectorsTrap(): boolean {
    return this.view.getUint32(STATE.vectorTrap, true) !== 0;
  }

  clearExclusive(): void {
    this.view.setBigInt64(STATE.exclusiveAddress, NO_ADDRESS, true);
  }

  /** Makes the instruction at hand undefined; 1, as host functions answer then. */
  undefinedInstruction(): 1 {
    this.trap = { exceptionClass: EXCEPTION_CLASS.unknown, iss: 0 };
    return 1;
  }

  /** Traps MRS, MSR or SYS at EL0, as a register of EL1 has it; 1, as host functions answer then. */
  trappedSystemAccess(): 1 {
    const host = this.memory.host(this.memory.physicalOf(this.view.getUint32(STATE.record, true)), 4);
    const word = host === undefined ? 0 : this.view.getUint32(host, true);
    this.trap = { exceptionClass: EXCEPTION_CLASS.systemRegister, iss: systemAccessIss(word) };
    return 1;
  }
}
