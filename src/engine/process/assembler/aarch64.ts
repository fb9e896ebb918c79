import { type Assembler, type Condition, checkConstant, type Label, type Register, type Width } from "./assembler.ts";
import { CodeBuffer, type Patch } from "./code-buffer.ts";

// Registers of a system call as the kernel takes them (Linux arch/arm64/kernel/entry.S): number in x8, arguments and
// result in x0…; it preserves all others.
const NUMBER: Readonly<Record<Register, number>> = {
  number: 8,
  result: 0,
  arg0: 0,
  arg1: 1,
  arg2: 2,
  arg3: 3,
  arg4: 4,
  arg5: 5,
  keep0: 19,
  keep1: 20,
  keep2: 21,
  keep3: 22,
  keep4: 23,
  scratch0: 9,
};
/** The register that long branches may use (AAPCS64 section 6.1.1, IP0). */
const IP0 = 16;
const ZERO_OR_SP = 31;

/** Condition codes (Arm ARM, C1.2.4). */
const CONDITION: Readonly<Record<Condition, number>> = {
  equal: 0x0,
  notEqual: 0x1,
  unsignedAtLeast: 0x2,
  unsignedBelow: 0x3,
  signedLess: 0xb,
};

/** `size` field of loads and stores with an unsigned offset (Arm ARM, C4.1.88). */
const SIZE: Readonly<Record<Width, number>> = { 1: 0, 2: 1, 4: 2, 8: 3 };

function patchBranch(bits: number, shift: number): Patch {
  return (code, at, target) => {
    const distance = (target - at) / 4;
    const limit = 2 ** (bits - 1);
    if (distance < -limit || distance >= limit) throw new RangeError(`a branch of ${distance} instructions`);
    code.setUint32(at, code.getUint32(at, true) | ((distance & (2 ** bits - 1)) << shift), true);
  };
}

/** `adr` reaches 1 MiB to either side (Arm ARM, C6.2.10). */
const patchAddress: Patch = (code, at, target) => {
  const distance = target - at;
  if (Math.abs(distance) >= 1 << 20) throw new RangeError(`an address ${distance} bytes away`);
  const word = code.getUint32(at, true) | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5);
  code.setUint32(at, word >>> 0, true);
};

/** Start code for AArch64; instruction encodings by Arm ARM (DDI 0487) section C6.2. */
export class Aarch64Assembler implements Assembler {
  readonly #code = new CodeBuffer();

  label(name: string): Label {
    return { name };
  }

  place(label: Label): void {
    this.#code.place(label);
  }

  data(bytes: Uint8Array, alignBytes: number): void {
    this.#code.append(bytes, alignBytes);
  }

  dataAddress(label: Label): void {
    this.#code.appendAddress(label);
  }

  set(to: Register, value: bigint | number): void {
    this.#setNumbered(NUMBER[to], BigInt(value));
  }

  setAddress(to: Register, label: Label): void {
    this.#code.refer(label, patchAddress);
    this.#code.emit32(0x1000_0000 | NUMBER[to]);
  }

  copy(to: Register, from: Register): void {
    // orr xd, xzr, xm
    this.#code.emit32(0xaa00_03e0 | (NUMBER[from] << 16) | NUMBER[to]);
  }

  readStackPointer(to: Register): void {
    // add xd, sp, #0
    this.#code.emit32(0x9100_0000 | (ZERO_OR_SP << 5) | NUMBER[to]);
  }

  load(to: Register, base: Register, offset: number, width: Width): void {
    this.#memory(0x3940_0000, to, base, offset, width);
  }

  store(from: Register, base: Register, offset: number, width: Width): void {
    this.#memory(0x3900_0000, from, base, offset, width);
  }

  add(to: Register, from: Register): void {
    this.#code.emit32(0x8b00_0000 | (NUMBER[from] << 16) | (NUMBER[to] << 5) | NUMBER[to]);
  }

  addConstant(to: Register, value: number): void {
    checkConstant(value);
    // add/sub xd, xd, #imm12
    const opcode = value < 0 ? 0xd100_0000 : 0x9100_0000;
    this.#code.emit32(opcode | (Math.abs(value) << 10) | (NUMBER[to] << 5) | NUMBER[to]);
  }

  subtract(to: Register, from: Register): void {
    this.#code.emit32(0xcb00_0000 | (NUMBER[from] << 16) | (NUMBER[to] << 5) | NUMBER[to]);
  }

  and(to: Register, from: Register): void {
    this.#code.emit32(0x8a00_0000 | (NUMBER[from] << 16) | (NUMBER[to] << 5) | NUMBER[to]);
  }

  compare(left: Register, right: Register): void {
    // subs xzr, xn, xm
    this.#code.emit32(0xeb00_001f | (NUMBER[right] << 16) | (NUMBER[left] << 5));
  }

  branch(condition: Condition, target: Label): void {
    this.#code.refer(target, patchBranch(19, 5));
    this.#code.emit32(0x5400_0000 | CONDITION[condition]);
  }

  jump(target: Label): void {
    this.#code.refer(target, patchBranch(26, 0));
    this.#code.emit32(0x1400_0000);
  }

  systemCall(): void {
    // svc #0
    this.#code.emit32(0xd400_0001);
  }

  enter(entry: bigint, stackPointer: bigint, argument: bigint): void {
    this.#setNumbered(IP0, stackPointer);
    // add sp, x16, #0
    this.#code.emit32(0x9100_0000 | (IP0 << 5) | ZERO_OR_SP);
    for (let register = 1; register < 31; register++) {
      if (register !== IP0) this.#setNumbered(register, 0n);
    }
    this.set("arg0", argument);
    this.#setNumbered(IP0, entry);
    // br x16
    this.#code.emit32(0xd61f_0000 | (IP0 << 5));
  }

  finish(address: bigint): Uint8Array {
    return this.#code.finish(address);
  }

  addressOf(label: Label, address: bigint): bigint {
    return address + BigInt(this.#code.offsetOf(label));
  }

  #setNumbered(register: number, value: bigint): void {
    const bits = BigInt.asUintN(64, value);
    // movz for the lowest half-word, movk for each further one that is not zero.
    this.#code.emit32(0xd280_0000 | (Number(bits & 0xffffn) << 5) | register);
    for (let half = 1; half < 4; half++) {
      const part = Number((bits >> BigInt(16 * half)) & 0xffffn);
      if (part !== 0) this.#code.emit32(0xf280_0000 | (half << 21) | (part << 5) | register);
    }
  }

  #memory(opcode: number, register: Register, base: Register, offset: number, width: Width): void {
    if (offset < 0 || offset % width !== 0 || offset / width > 4095) throw new RangeError(`an offset of ${offset}`);
    const word = opcode | (SIZE[width] << 30) | ((offset / width) << 10) | (NUMBER[base] << 5) | NUMBER[register];
    this.#code.emit32(word >>> 0);
  }
}
