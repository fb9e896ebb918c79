/**
 * A program of many cases without an operating system: each prepares system registers, goes to EL1 or EL0, tries some
 * instructions there, and notes the exception that ends them. The same words run on QEMU's virt board and in the emulator.
 */
import type { SystemRegister } from "../../../src/engine/emulator/instruction/system-register.ts";
import * as a64 from "./words.ts";

/** Physical addresses, where the virtual ones of the lower half are the same; the board's memory begins at 1 GiB. */
export const AREA = {
  /** EL1's code, which is not writable; the vectors come first. */
  code: 0x4020_0000,
  /** Code of EL0, which EL1 may execute too. */
  userCode: 0x4040_0000,
  /** What the program itself writes: only EL1 may. */
  results: 0x4060_0000,
  /** Tables of the program, one a page. */
  tables: 0x4080_0000,
  /** For cases alone: data, which EL1 may write, and their own tables. */
  data: 0x40a0_0000,
  caseTables: 0x40c0_0000,
  end: 0x4200_0000,
} as const;
const BLOCK_BYTES = 0x20_0000;
const ENTRY_OFFSET = 0x1000;
export const ENTRY_ADDRESS = AREA.code + ENTRY_OFFSET;
const TABLE = {
  first: AREA.tables + 0x1000,
  blocks: AREA.tables + 0x2000,
  upper: AREA.tables + 0x3000,
} as const;
const ROOT_OF_LEVEL_1 = TABLE.first;
/** What a root of a case's own for the lower half must have, so that the program goes on: entries of level 0 and of level 1. */
export const OWN_ENTRIES = [
  [0, BigInt(TABLE.first) | 3n],
  [1, BigInt(TABLE.blocks) | 3n],
] as const;

/** In the area of results: what the program and its host tell one another, then a record for each case. */
const VARIABLE = { next: 0, isEmulator: 8, isDone: 16, fileName: 32, open: 64, write: 96, exit: 128 } as const;
const RECORDS_OFFSET = 0x1000;
const RECORD_NAMES = ["vector", "esr", "far", "elr", "spsr", "par", "x0", "x1", "x2", "x3", "x4", "x5"] as const;
const RECORD_BYTES = 8 * RECORD_NAMES.length;
/** Registers of cases, recorded afterwards; the program itself uses X16 and up. */
const CASE_REGISTERS = 6;
const FILE_NAME = "results";

export type Outcome = Readonly<Record<(typeof RECORD_NAMES)[number], bigint>>;

/** Attributes of memory by number: normal, normal without caches, device nGnRnE, device nGnRE. */
export const MAIR = 0x0400_44ffn;
/** RES1 in ARMv8.0 (D17.2.118). */
const SCTLR_ONES = 0x30d0_0800n;
/** MMU and caches on. */
export const SCTLR = SCTLR_ONES | 0x1005n;
/** Both halves of 39 bits, walks cached, 40 bits of physical address. */
export const TCR = 25n | (25n << 16n) | (0x35n << 8n) | (0x35n << 24n) | (2n << 30n) | (2n << 32n);

/** What every case begins with. */
const DEFAULTS: readonly (readonly [SystemRegister, bigint])[] = [
  ["mdscr_el1", 0n],
  ["osdlr_el1", 0n],
  ["dbgbcr0_el1", 0n],
  ["dbgbcr1_el1", 0n],
  ["dbgwcr0_el1", 0n],
  ["dbgwcr1_el1", 0n],
  ["mair_el1", MAIR],
  ["tcr_el1", TCR],
  ["ttbr0_el1", BigInt(ROOT_OF_LEVEL_1)],
  ["ttbr1_el1", BigInt(TABLE.upper)],
  ["cpacr_el1", 3n << 20n],
  ["cntkctl_el1", 0n],
  ["cntv_ctl_el0", 0n],
  ["cntp_ctl_el0", 0n],
  ["par_el1", 0n],
  ["contextidr_el1", 0n],
  ["sctlr_el1", SCTLR],
];

export interface Case {
  /** For a difference's description. */
  readonly name: string;
  /** System registers, written one after the other before the case's instructions. */
  readonly system?: readonly (readonly [SystemRegister, bigint])[];
  /** At EL1 before the case's instructions, with X0 to X5 as they will be; X16 to X18 are free. */
  readonly setup?: readonly number[];
  /** As SPSR_EL1 is before ERET: EL1 with its own stack pointer, everything masked, where it is left out. */
  readonly pstate?: bigint;
  /** X0 to X5; others are zero. */
  readonly registers?: readonly bigint[];
  readonly words: readonly number[];
}

export const PSTATE = { el0: 0x3c0n, el1: 0x3c5n, el1WithStackOfEl0: 0x3c4n } as const;

export interface Program {
  /** Bytes at physical addresses. */
  readonly segments: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  readonly caseCount: number;
}

/** Little-endian words at an address. */
export class Segment {
  readonly address: number;
  readonly #words: number[] = [];

  constructor(address: number) {
    this.address = address;
  }

  get here(): number {
    return this.address + 4 * this.#words.length;
  }

  emit(...words: readonly number[]): void {
    this.#words.push(...words);
  }

  patch(address: number, word: number): void {
    this.#words[(address - this.address) / 4] = word;
  }

  emitLong(value: bigint): void {
    this.emit(Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(64, value) >> 32n));
  }

  pad(address: number): void {
    if (this.here > address) throw new Error(`0x${address.toString(16)} is passed`);
    while (this.here < address) this.#words.push(0);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Uint32Array.from(this.#words).buffer);
  }
}

/** @param tables descriptors by their physical address, for cases. @param data bytes at `AREA.data`. */
export function buildProgram(
  cases: readonly Case[],
  tables: ReadonlyMap<number, bigint> = new Map(),
  data: Uint8Array = new Uint8Array(0),
): Program {
  const code = new Segment(AREA.code);
  const userCode = new Segment(AREA.userCode);
  emitVectors(code);
  code.pad(ENTRY_ADDRESS);
  const reset = emitStart(code);
  for (const one of cases) emitCase(code, userCode, one, reset);
  emitEnd(code, cases.length);
  if (code.here > AREA.userCode || userCode.here > AREA.results) throw new Error("the cases do not fit");
  return {
    segments: [
      code,
      userCode,
      variables(cases.length),
      ...ownTables(),
      ...[...tables].map(([address, descriptor]) => {
        const segment = new Segment(address);
        segment.emitLong(descriptor);
        return segment;
      }),
      { address: AREA.data, bytes: data },
    ].filter(({ bytes }) => bytes.length > 0),
    caseCount: cases.length,
  };
}

/** Sixteen vectors, and what they lead to: writes a record, and goes on where TPIDRRO_EL0 says. */
function emitVectors(code: Segment): void {
  const common = AREA.code + 16 * 0x80;
  for (let vector = 0; vector < 16; vector++) {
    code.pad(AREA.code + vector * 0x80);
    const first = a64.move(16, BigInt(vector));
    code.emit(...first, a64.branch(code.here / 4 + first.length, common / 4));
  }
  code.pad(common);
  const exceptions = ["esr_el1", "far_el1", "elr_el1", "spsr_el1", "par_el1"] as const;
  code.emit(...a64.move(17, BigInt(AREA.results)), a64.load(18, 17, VARIABLE.next), a64.store(16, 18));
  for (const [index, name] of exceptions.entries()) code.emit(a64.mrs(16, name), a64.store(16, 18, 8 * (index + 1)));
  for (let register = 0; register < CASE_REGISTERS; register++) {
    code.emit(a64.store(register, 18, 8 * (exceptions.length + 1 + register)));
  }
  code.emit(a64.add(18, 18, RECORD_BYTES), a64.store(18, 17, VARIABLE.next));
  code.emit(a64.mrs(16, "tpidrro_el0"), a64.branchTo(16));
}

/** @returns where the routine is that brings system registers to their defaults; it goes on at X19. */
function emitStart(code: Segment): number {
  code.emit(...a64.move(16, BigInt(AREA.code)), a64.msr("vbar_el1", 16));
  const skip = code.here;
  code.emit(0);
  const reset = code.here;
  for (const [name, value] of DEFAULTS) code.emit(...a64.move(16, value), a64.msr(name, 16));
  code.emit(a64.ISB, a64.TLBI_ALL, a64.DSB, a64.ISB, a64.branchTo(19));
  code.patch(skip, a64.branch(skip / 4, code.here / 4));
  return reset;
}

function emitCase(code: Segment, userCode: Segment, one: Case, reset: number): void {
  const { system = [], setup = [], pstate = PSTATE.el1, registers = [], words } = one;
  const afterReset = code.here + 4 * (a64.move(19, 0n).length + 1);
  code.emit(...a64.move(19, BigInt(afterReset)), a64.branch((afterReset - 4) / 4, reset / 4));
  const isUser = (pstate & 4n) === 0n;
  const place = isUser ? userCode : code;
  for (let index = 0; index < CASE_REGISTERS; index++) code.emit(...a64.move(index, registers[index] ?? 0n));
  for (const [name, value] of system) code.emit(...a64.move(16, value), a64.msr(name, 16));
  code.emit(...setup);
  const preparation = 4 * (3 * 4 + 3 + 2);
  const own = isUser ? [] : [...words, a64.svc(0x7fff)];
  const begin = isUser ? place.here : code.here + preparation;
  const next = code.here + preparation + 4 * own.length;
  code.emit(...a64.move(17, BigInt(begin)), a64.msr("elr_el1", 17));
  code.emit(...a64.move(17, pstate), a64.msr("spsr_el1", 17));
  code.emit(...a64.move(17, BigInt(next)), a64.msr("tpidrro_el0", 17), a64.ISB, a64.ERET);
  code.emit(...own);
  if (isUser) userCode.emit(...words, a64.svc(0x7fff));
}

/** Tells the host that all is done: the emulator finds it, QEMU is asked to write a file and to end (semihosting). */
function emitEnd(code: Segment, caseCount: number): void {
  const { results } = AREA;
  code.emit(...a64.move(17, BigInt(results)), ...a64.move(16, 1n), a64.store(16, 17, VARIABLE.isDone));
  code.emit(a64.load(16, 17, VARIABLE.isEmulator), a64.branchIfZero(16, 2), a64.BRANCH_TO_SELF);
  const request = (operation: bigint, block: number) => {
    code.emit(...a64.move(0, operation), ...a64.move(1, BigInt(results + block)), a64.hlt(0xf000));
  };
  request(1n, VARIABLE.open);
  code.emit(a64.store(0, 17, VARIABLE.write));
  request(5n, VARIABLE.write);
  request(0x18n, VARIABLE.exit);
  code.emit(a64.BRANCH_TO_SELF);
  if (caseCount * RECORD_BYTES > BLOCK_BYTES - RECORDS_OFFSET) throw new Error("the results do not fit");
}

function variables(caseCount: number): Segment {
  const segment = new Segment(AREA.results);
  const { results } = AREA;
  const at = (offset: number, ...values: readonly bigint[]) => {
    segment.pad(results + offset);
    for (const value of values) segment.emitLong(value);
  };
  at(VARIABLE.next, BigInt(results + RECORDS_OFFSET), 0n, 0n);
  segment.pad(results + VARIABLE.fileName);
  const name = new Uint8Array(8);
  new TextEncoder().encodeInto(FILE_NAME, name);
  segment.emit(...new Uint32Array(name.buffer));
  // Mode 5: written, as bytes.
  at(VARIABLE.open, BigInt(results + VARIABLE.fileName), 5n, BigInt(FILE_NAME.length));
  at(VARIABLE.write, 0n, BigInt(results + RECORDS_OFFSET), BigInt(caseCount * RECORD_BYTES));
  // The application ended by itself, with status 0.
  at(VARIABLE.exit, 0x2_0026n, 0n);
  return segment;
}

/** The lower half as it is physically, by areas; the upper half is empty. */
function ownTables(): readonly Segment[] {
  const table = (address: number, ...entries: readonly (readonly [index: number, descriptor: bigint])[]) => {
    const segment = new Segment(address);
    for (const [index, descriptor] of entries) {
      segment.pad(address + 8 * index);
      segment.emitLong(descriptor);
    }
    segment.pad(address + 0x1000);
    return segment;
  };
  const block = (address: number, bits: bigint): readonly [number, bigint] => [
    (address - 0x4000_0000) / BLOCK_BYTES,
    BigInt(address) | bits,
  ];
  return [
    table(TABLE.first, [1, BigInt(TABLE.blocks) | 3n]),
    // Valid, accessed, inner shareable; EL1 reads and executes, EL0 too, EL1 alone writes.
    table(
      TABLE.blocks,
      block(AREA.code, 0x781n),
      block(AREA.userCode, 0x7c1n),
      block(AREA.results, 0x701n),
      block(AREA.tables, 0x701n),
      block(AREA.data, 0x701n),
    ),
    table(TABLE.upper),
  ];
}

export const RESULTS = {
  isEmulator: AREA.results + VARIABLE.isEmulator,
  isDone: AREA.results + VARIABLE.isDone,
  records: AREA.results + RECORDS_OFFSET,
  recordBytes: RECORD_BYTES,
  fileName: FILE_NAME,
} as const;

export function outcomesOf(bytes: Uint8Array): readonly Outcome[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / RECORD_BYTES }, (_, index) => {
    const values = RECORD_NAMES.map((name, field) => [name, view.getBigUint64(index * RECORD_BYTES + 8 * field, true)]);
    return Object.fromEntries(values) as Outcome;
  });
}
