import type { Condition, Register, Width } from "../../../src/engine/process/assembler/assembler.ts";

/** What binutils write for each operation; a label is the address that it stands at. */
export interface Notation {
  readonly set: (to: Register, value: bigint) => string[];
  readonly setAddress: (to: Register, address: string) => string;
  readonly copy: (to: Register, from: Register) => string;
  readonly readStackPointer: (to: Register) => string;
  readonly load: (to: Register, base: Register, offset: number, width: Width) => string;
  readonly store: (from: Register, base: Register, offset: number, width: Width) => string;
  readonly add: (to: Register, from: Register) => string;
  readonly addConstant: (to: Register, value: number) => string;
  readonly subtract: (to: Register, from: Register) => string;
  readonly and: (to: Register, from: Register) => string;
  readonly compare: (left: Register, right: Register) => string;
  readonly branch: (condition: Condition, address: string) => string;
  readonly jump: (address: string) => string;
  readonly systemCall: string;
}

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

// Names of registers by width: System V ABI x86-64 appendix A.2.1 for the kernel's, the rest preserved by the kernel.
const X86_NAMES: Readonly<Record<Register, readonly [byte: string, word: string, double: string, quad: string]>> = {
  number: ["al", "ax", "eax", "rax"],
  result: ["al", "ax", "eax", "rax"],
  arg0: ["dil", "di", "edi", "rdi"],
  arg1: ["sil", "si", "esi", "rsi"],
  arg2: ["dl", "dx", "edx", "rdx"],
  arg3: ["r10b", "r10w", "r10d", "r10"],
  arg4: ["r8b", "r8w", "r8d", "r8"],
  arg5: ["r9b", "r9w", "r9d", "r9"],
  keep0: ["bl", "bx", "ebx", "rbx"],
  keep1: ["bpl", "bp", "ebp", "rbp"],
  keep2: ["r12b", "r12w", "r12d", "r12"],
  keep3: ["r13b", "r13w", "r13d", "r13"],
  keep4: ["r14b", "r14w", "r14d", "r14"],
  scratch0: ["r11b", "r11w", "r11d", "r11"],
};
const x86 = (register: Register, width: Width) => X86_NAMES[register][Math.log2(width)] ?? "";
const x86Memory = (base: Register, offset: number, width: Width) => {
  const size = { 1: "BYTE", 2: "WORD", 4: "DWORD", 8: "QWORD" }[width];
  return `${size} PTR [${x86(base, 8)}${offset < 0 ? "-" : "+"}${hex(Math.abs(offset))}]`;
};
const x86Two = (mnemonic: string) => (to: Register, from: Register) => `${mnemonic} ${x86(to, 8)},${x86(from, 8)}`;

export const X86: Notation = {
  set: (to, value) => {
    if (value === 0n) return [`xor ${x86(to, 4)},${x86(to, 4)}`];
    return value <= 0xffff_ffffn ? [`mov ${x86(to, 4)},${hex(value)}`] : [`movabs ${x86(to, 8)},${hex(value)}`];
  },
  setAddress: (to, address) => `lea ${x86(to, 8)},[${address}]`,
  copy: x86Two("mov"),
  readStackPointer: (to) => `mov ${x86(to, 8)},rsp`,
  load: (to, base, offset, width) =>
    `${width < 4 ? "movzx" : "mov"} ${x86(to, width === 8 ? 8 : 4)},${x86Memory(base, offset, width)}`,
  store: (from, base, offset, width) => `mov ${x86Memory(base, offset, width)},${x86(from, width)}`,
  add: x86Two("add"),
  addConstant: (to, value) => `add ${x86(to, 8)},${hex(BigInt.asUintN(64, BigInt(value)))}`,
  subtract: x86Two("sub"),
  and: x86Two("and"),
  compare: x86Two("cmp"),
  branch: (condition, address) => {
    const suffix = { equal: "e", notEqual: "ne", unsignedBelow: "b", unsignedAtLeast: "ae", signedLess: "l" }[
      condition
    ];
    return `j${suffix} ${address}`;
  },
  jump: (address) => `jmp ${address}`,
  systemCall: "syscall",
};

const ARM_NUMBER: Readonly<Record<Register, number>> = {
  ...{ number: 8, result: 0, arg0: 0, arg1: 1, arg2: 2, arg3: 3, arg4: 4, arg5: 5 },
  ...{ keep0: 19, keep1: 20, keep2: 21, keep3: 22, keep4: 23, scratch0: 9 },
};
const x = (register: Register) => `x${ARM_NUMBER[register]}`;
const armValue = (register: Register, width: Width) => `${width === 8 ? "x" : "w"}${ARM_NUMBER[register]}`;
const armMemory = (mnemonic: string) => (register: Register, base: Register, offset: number, width: Width) => {
  const suffix = { 1: "b", 2: "h", 4: "", 8: "" }[width];
  return `${mnemonic}${suffix} ${armValue(register, width)}, [${x(base)}${offset === 0 ? "" : `, #${offset}`}]`;
};
const armThree = (mnemonic: string) => (to: Register, from: Register) => `${mnemonic} ${x(to)}, ${x(to)}, ${x(from)}`;

export const ARM: Notation = {
  set: (to, value) => {
    const halves = [0n, 1n, 2n, 3n].map((half) => (value >> (16n * half)) & 0xffffn);
    return halves.flatMap((part, half) => {
      if (half === 0) return [`mov ${x(to)}, #${hex(part)}`];
      return part === 0n ? [] : [`movk ${x(to)}, #${hex(part)}, lsl #${16 * half}`];
    });
  },
  setAddress: (to, address) => `adr ${x(to)}, ${address}`,
  copy: (to, from) => `mov ${x(to)}, ${x(from)}`,
  readStackPointer: (to) => `mov ${x(to)}, sp`,
  load: armMemory("ldr"),
  store: armMemory("str"),
  add: armThree("add"),
  addConstant: (to, value) => `${value < 0 ? "sub" : "add"} ${x(to)}, ${x(to)}, #${hex(Math.abs(value))}`,
  subtract: armThree("sub"),
  and: armThree("and"),
  compare: (left, right) => `cmp ${x(left)}, ${x(right)}`,
  branch: (condition, address) => {
    const suffix = { equal: "eq", notEqual: "ne", unsignedBelow: "cc", unsignedAtLeast: "cs", signedLess: "lt" };
    return `b.${suffix[condition]} ${address}`;
  },
  jump: (address) => `b ${address}`,
  systemCall: "svc #0x0",
};
