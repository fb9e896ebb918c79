/**
 * A program of many cases: each loads all registers, runs its instructions and stores all registers. The same bytes run on
 * `qemu-aarch64` as a Linux program, and in the emulator without an operating system.
 */

/** Where everything lies, in both. */
export const IMAGE_ADDRESS = 0x400000;
const HEADER_BYTES = 0x1000;
export const ENTRY_ADDRESS = IMAGE_ADDRESS + HEADER_BYTES;

/** A case's registers in memory. */
export const BLOCK = { bytes: 800, x: 0, sp: 248, nzcv: 256, fpcr: 264, fpsr: 272, vectors: 288 } as const;
/** What loads and stores of the cases reach; one after the other they all use it. */
export const DATA_BYTES = 4096;

/** Blocks of the page tables hold code or data: where stores change no code, translated code reaches data by itself. */
const DATA_ALIGNMENT = 2 ** 21;

export interface Case {
  readonly words: readonly number[];
  /** `BLOCK.bytes`, as the registers are before. */
  readonly registers: Uint8Array;
}

export interface Program {
  /** From `IMAGE_ADDRESS` on. */
  readonly bytes: Uint8Array;
  /** Where blocks and data lie in them: what is compared. */
  readonly results: { readonly offset: number; readonly length: number };
}

const CASE_WORDS = 80;
const LINK = 30;
const WRITE = 64;
const EXIT = 93;
const SVC = 0xd400_0001;

const movz = (register: number, value: number, half: number) => 0xd280_0000 | (half << 21) | (value << 5) | register;
const movk = (register: number, value: number, half: number) => 0xf280_0000 | (half << 21) | (value << 5) | register;
export const loadAddress = (register: number, address: number): readonly number[] => [
  movz(register, address & 0xffff, 0) >>> 0,
  movk(register, Math.floor(address / 0x10000), 1) >>> 0,
];
const ldr = (register: number, offset: number) => (0xf940_0000 | ((offset / 8) << 10) | (LINK << 5) | register) >>> 0;
const str = (register: number, offset: number) => (0xf900_0000 | ((offset / 8) << 10) | (LINK << 5) | register) >>> 0;
const pair = (code: number, first: number, offset: number, unit: number) =>
  (code | ((offset / unit) << 15) | ((first + 1) << 10) | (LINK << 5) | first) >>> 0;
const LDP_X = 0xa940_0000;
const STP_X = 0xa900_0000;
const LDP_Q = 0xad40_0000;
const STP_Q = 0xad00_0000;
const MSR = { nzcv: 0xd51b_4200, fpcr: 0xd51b_4400, fpsr: 0xd51b_4420, tpidr: 0xd51b_d040 } as const;
const READS = 0x0020_0000;
const MOV_SP_X0 = 0x9100_001f;
const MOV_X0_SP = 0x9100_03e0;

const evens = (count: number) => Array.from({ length: count / 2 }, (_, index) => 2 * index);

/** Onto the third, back to the second, on behind: a place that a branch backwards leads to is one to translate from. */
const BRANCH_BACKWARDS = [0x1400_0002, 0x1400_0002, 0x17ff_ffff];

function prologue(block: number): readonly number[] {
  return [
    ...loadAddress(LINK, block),
    ...[ldr(0, BLOCK.nzcv), MSR.nzcv, ldr(0, BLOCK.fpcr), MSR.fpcr, ldr(0, BLOCK.fpsr), MSR.fpsr],
    ...[ldr(0, BLOCK.sp), MOV_SP_X0],
    ...evens(32).map((register) => pair(LDP_Q, register, BLOCK.vectors + 16 * register, 16)),
    ...evens(30).map((register) => pair(LDP_X, register, 8 * register, 8)),
    ldr(LINK, 8 * LINK),
    ...BRANCH_BACKWARDS,
  ];
}

function epilogue(block: number): readonly number[] {
  return [
    MSR.tpidr | LINK,
    ...loadAddress(LINK, block),
    ...evens(30).map((register) => pair(STP_X, register, 8 * register, 8)),
    ...[MSR.tpidr | READS, str(0, 8 * LINK), MOV_X0_SP, str(0, BLOCK.sp)],
    ...[MSR.nzcv | READS, str(0, BLOCK.nzcv), MSR.fpcr | READS, str(0, BLOCK.fpcr)],
    ...[MSR.fpsr | READS, str(0, BLOCK.fpsr)],
    ...evens(32).map((register) => pair(STP_Q, register, BLOCK.vectors + 16 * register, 16)),
  ];
}

/** Where the data lie, which depends on how long the cases are. */
export function dataAddress(cases: number, wordsOfCases: number): number {
  return IMAGE_ADDRESS + layout(cases, wordsOfCases).data;
}

function layout(cases: number, wordsOfCases: number) {
  const codeWords = wordsOfCases + cases * CASE_WORDS * 2 + 64;
  const data = Math.ceil((HEADER_BYTES + 4 * codeWords) / DATA_ALIGNMENT) * DATA_ALIGNMENT;
  const blocks = data + DATA_BYTES;
  return { data, blocks, end: blocks + cases * BLOCK.bytes };
}

/** @param wordsMax at least the cases' words, as `dataAddress` was given. @param data the memory's bytes before. */
export function buildProgram(cases: readonly Case[], wordsMax: number, data: Uint8Array): Program {
  const { data: dataOffset, blocks, end } = layout(cases.length, wordsMax);
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  writeHeader(view, end);
  bytes.set(data, dataOffset);
  let at = HEADER_BYTES;
  const emit = (words: readonly number[]) => {
    for (const word of words) {
      view.setUint32(at, word, true);
      at += 4;
    }
  };
  for (const [index, { words, registers }] of cases.entries()) {
    const block = blocks + index * BLOCK.bytes;
    bytes.set(registers, block);
    emit(prologue(IMAGE_ADDRESS + block));
    emit(words);
    emit(epilogue(IMAGE_ADDRESS + block));
  }
  const length = end - dataOffset;
  emit([movz(0, 1, 0) >>> 0, ...loadAddress(1, IMAGE_ADDRESS + dataOffset), ...loadAddress(2, length)]);
  emit([movz(8, WRITE, 0) >>> 0, SVC, movz(0, 0, 0) >>> 0, movz(8, EXIT, 0) >>> 0, SVC]);
  if (at > dataOffset) throw new Error("the cases do not fit");
  return { bytes, results: { offset: dataOffset, length } };
}

/** One segment that may be read, written and executed. */
function writeHeader(view: DataView, fileBytes: number): void {
  view.setUint32(0, 0x7f454c46);
  view.setUint32(4, 0x02010100);
  view.setUint16(16, 2, true);
  view.setUint16(18, 183, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(ENTRY_ADDRESS), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setUint32(68, 7, true);
  view.setBigUint64(80, BigInt(IMAGE_ADDRESS), true);
  view.setBigUint64(88, BigInt(IMAGE_ADDRESS), true);
  view.setBigUint64(96, BigInt(fileBytes), true);
  view.setBigUint64(104, BigInt(fileBytes), true);
  view.setBigUint64(112, 0x1000n, true);
}
