/** Words of the instructions that the programs here are made of (Arm ARM, C6.2). */
import {
  SYSTEM_REGISTERS,
  type SystemRegister,
  systemRegisterKey,
} from "../../../src/engine/emulator/instruction/system-register.ts";

export const NOP = 0xd503_201f;
export const ISB = 0xd503_3fdf;
export const DSB = 0xd503_3f9f;
export const ERET = 0xd69f_03e0;
export const WFI = 0xd503_207f;
export const BRANCH_TO_SELF = 0x1400_0000;

const HALVES = [0, 1, 2, 3] as const;

/** MOVZ and MOVK: always four words, so that what follows stays where it is. */
export function move(register: number, value: bigint): readonly number[] {
  return HALVES.map((half) => {
    const bits = Number((value >> BigInt(16 * half)) & 0xffffn);
    return ((half === 0 ? 0xd280_0000 : 0xf280_0000) | (half << 21) | (bits << 5) | register) >>> 0;
  });
}

const system = (base: number, key: number, register: number) => (base | (key << 5) | register) >>> 0;

export function msr(name: SystemRegister, register: number): number {
  return msrKey(SYSTEM_REGISTERS[name], register);
}

export function mrs(register: number, name: SystemRegister): number {
  return mrsKey(register, SYSTEM_REGISTERS[name]);
}

/** @param key as `systemRegisterKey` makes it. */
export const msrKey = (key: number, register: number) => system(0xd500_0000, key, register);
export const mrsKey = (register: number, key: number) => system(0xd520_0000, key, register);

/** DC, IC, AT and TLBI. */
export function sys(op1: number, crn: number, crm: number, op2: number, register: number): number {
  return system(0xd500_0000, systemRegisterKey(1, op1, crn, crm, op2), register);
}

export const TLBI_ALL = sys(0, 8, 7, 0, 31);

/** MSR (immediate): SPSel, DAIFSet, DAIFClr by op1 and op2. */
export function msrImmediate(op1: number, op2: number, value: number): number {
  return (0xd500_401f | (op1 << 16) | (value << 8) | (op2 << 5)) >>> 0;
}

/** Of 64 bits; the offset is a multiple of 8. */
export const load = (register: number, base: number, offset = 0) =>
  (0xf940_0000 | ((offset / 8) << 10) | (base << 5) | register) >>> 0;
export const store = (register: number, base: number, offset = 0) =>
  (0xf900_0000 | ((offset / 8) << 10) | (base << 5) | register) >>> 0;
export const add = (register: number, base: number, value: number) =>
  (0x9100_0000 | (value << 10) | (base << 5) | register) >>> 0;
export const branch = (fromWord: number, toWord: number) => (0x1400_0000 | ((toWord - fromWord) & 0x03ff_ffff)) >>> 0;
export const branchTo = (register: number) => (0xd61f_0000 | (register << 5)) >>> 0;
export const svc = (value: number) => (0xd400_0001 | (value << 5)) >>> 0;
export const hlt = (value: number) => (0xd440_0000 | (value << 5)) >>> 0;
/** CBZ of 64 bits, so many words on. */
export const branchIfZero = (register: number, words: number) => (0xb400_0000 | (words << 5) | register) >>> 0;
