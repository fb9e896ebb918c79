import { type Assembler, type Condition, checkConstant, type Label, type Register, type Width } from "./assembler.ts";
import { CodeBuffer, type Patch } from "./code-buffer.ts";

// Register numbers of the ModRM byte and its REX extension (Intel SDM vol. 2, section 2.2.1); the system call's
// registers are those of the kernel's entry (Linux arch/x86/entry/entry_64.S).
const RAX = 0;
const RSP = 4;
const RDI = 7;
const NUMBER: Readonly<Record<Register, number>> = {
  number: RAX,
  result: RAX,
  arg0: RDI,
  arg1: 6,
  arg2: 2,
  arg3: 10,
  arg4: 8,
  arg5: 9,
  keep0: 3,
  keep1: 5,
  keep2: 12,
  keep3: 13,
  keep4: 14,
  scratch0: 11,
};

/** Condition codes of `Jcc` (Intel SDM vol. 2, appendix B.1.4). */
const CONDITION: Readonly<Record<Condition, number>> = {
  unsignedBelow: 0x2,
  unsignedAtLeast: 0x3,
  equal: 0x4,
  notEqual: 0x5,
  signedLess: 0xc,
};

const patchRelative32: Patch = (code, at, target) => code.setInt32(at, target - (at + 4), true);

/** Start code for x86-64. */
export class X86Assembler implements Assembler {
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
    const bits = BigInt.asUintN(64, BigInt(value));
    const register = NUMBER[to];
    if (bits === 0n) {
      this.#clear(register);
    } else if (bits <= 0xffff_ffffn) {
      // mov r32, imm32 (B8+rd): the upper half becomes zero.
      if (register >= 8) this.#code.emit(0x41);
      this.#code.emit(0xb8 | (register & 7));
      this.#code.emit32(Number(bits));
    } else {
      // mov r64, imm64 (REX.W B8+rd).
      this.#code.emit(0x48 | (register >= 8 ? 1 : 0), 0xb8 | (register & 7));
      this.#code.emit64(bits);
    }
  }

  setAddress(to: Register, label: Label): void {
    // lea r64, [rip + disp32] (REX.W 8D /r, mod 00 rm 101).
    const register = NUMBER[to];
    this.#code.emit(0x48 | (register >= 8 ? 4 : 0), 0x8d, ((register & 7) << 3) | 5);
    this.#code.refer(label, patchRelative32);
    this.#code.emit32(0);
  }

  copy(to: Register, from: Register): void {
    this.#registerToRegister(0x89, NUMBER[from], NUMBER[to]);
  }

  readStackPointer(to: Register): void {
    this.#registerToRegister(0x89, RSP, NUMBER[to]);
  }

  load(to: Register, base: Register, offset: number, width: Width): void {
    // movzx r32, m8/m16 (0F B6, 0F B7); mov r32/r64, m (8B).
    const opcode = width === 1 ? [0x0f, 0xb6] : width === 2 ? [0x0f, 0xb7] : [0x8b];
    this.#memory([], width === 8, opcode, NUMBER[to], NUMBER[base], offset);
  }

  store(from: Register, base: Register, offset: number, width: Width): void {
    // mov m8, r8 (88); mov m16 (66 89); mov m32/m64 (89).
    const prefix = width === 2 ? [0x66] : [];
    this.#memory(prefix, width === 8, [width === 1 ? 0x88 : 0x89], NUMBER[from], NUMBER[base], offset);
  }

  add(to: Register, from: Register): void {
    this.#registerToRegister(0x01, NUMBER[from], NUMBER[to]);
  }

  addConstant(to: Register, value: number): void {
    checkConstant(value);
    // add r/m64, imm32 (REX.W 81 /0).
    const register = NUMBER[to];
    this.#code.emit(0x48 | (register >= 8 ? 1 : 0), 0x81, 0xc0 | (register & 7));
    this.#code.emit32(value);
  }

  subtract(to: Register, from: Register): void {
    this.#registerToRegister(0x29, NUMBER[from], NUMBER[to]);
  }

  and(to: Register, from: Register): void {
    this.#registerToRegister(0x21, NUMBER[from], NUMBER[to]);
  }

  compare(left: Register, right: Register): void {
    this.#registerToRegister(0x39, NUMBER[right], NUMBER[left]);
  }

  branch(condition: Condition, target: Label): void {
    this.#code.emit(0x0f, 0x80 | CONDITION[condition]);
    this.#code.refer(target, patchRelative32);
    this.#code.emit32(0);
  }

  jump(target: Label): void {
    this.#code.emit(0xe9);
    this.#code.refer(target, patchRelative32);
    this.#code.emit32(0);
  }

  systemCall(): void {
    this.#code.emit(0x0f, 0x05);
  }

  enter(entry: bigint, stackPointer: bigint, argument: bigint): void {
    // mov rsp, imm64, then the first argument; every other register is cleared.
    this.#code.emit(0x48, 0xb8 | RSP);
    this.#code.emit64(stackPointer);
    for (let register = 0; register < 16; register++) {
      if (register !== RSP && register !== RDI) this.#clear(register);
    }
    this.set("arg0", argument);
    // jmp [rip + disp32] (FF /4): the only jump to a far address that needs no register.
    const target = this.label("entry of the guest");
    this.#code.emit(0xff, 0x25);
    this.#code.refer(target, patchRelative32);
    this.#code.emit32(0);
    this.#code.append(new Uint8Array(0), 8);
    this.place(target);
    this.#code.emit64(entry);
  }

  finish(address: bigint): Uint8Array {
    return this.#code.finish(address);
  }

  addressOf(label: Label, address: bigint): bigint {
    return address + BigInt(this.#code.offsetOf(label));
  }

  #clear(register: number): void {
    // xor r32, r32 (31 /r).
    if (register >= 8) this.#code.emit(0x45);
    this.#code.emit(0x31, 0xc0 | ((register & 7) << 3) | (register & 7));
  }

  /** An instruction of the form `op r/m64, r64` with two registers. */
  #registerToRegister(opcode: number, from: number, to: number): void {
    this.#code.emit(0x48 | (from >= 8 ? 4 : 0) | (to >= 8 ? 1 : 0), opcode, 0xc0 | ((from & 7) << 3) | (to & 7));
  }

  /** An access to `[base + disp32]`; bases 4 and 12 need a SIB byte (Intel SDM vol. 2, table 2-2). */
  #memory(prefix: number[], wide: boolean, opcode: number[], register: number, base: number, offset: number): void {
    const rex = 0x40 | (wide ? 8 : 0) | (register >= 8 ? 4 : 0) | (base >= 8 ? 1 : 0);
    this.#code.emit(...prefix, rex, ...opcode, 0x80 | ((register & 7) << 3) | (base & 7));
    if ((base & 7) === RSP) this.#code.emit(0x24);
    this.#code.emit32(offset);
  }
}
