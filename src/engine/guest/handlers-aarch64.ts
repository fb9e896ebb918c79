/**
 * What an AArch64 guest starts with: vectors for the exceptions that it does not take itself. Without them the first
 * exception would lead to address 0, and from there on to itself for ever. The guest's own bindings replace them by theirs.
 */
import { HYPERCALL_WINDOW } from "../../abi/hvt.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { PAGE_BYTES } from "../../memory/page-table/mapping.ts";
import type { GuestFault } from "../engine.ts";
import { HANDLERS_ADDRESS } from "./layout.ts";

/** Four kinds of exceptions from four places (Arm ARM, DDI 0487, table D1-5). */
const VECTORS = 16;
const VECTOR_BYTES = 0x80;
const KINDS = ["", "an interrupt", "a fast interrupt", "a system error"] as const;
/** Each vector stores to a place of its own behind the hypercalls. */
const FAULT_OFFSET = 0x800;

export const VECTORS_ADDRESS = HANDLERS_ADDRESS;
/** A program that tells the counter's frequency by a store of 8 bytes to the address in x1. */
export const FREQUENCY_PROGRAM_ADDRESS = HANDLERS_ADDRESS + VECTORS * VECTOR_BYTES;
const FREQUENCY_PROGRAM = [
  0xd53b_e000, // mrs x0, cntfrq_el0
  0xf900_0020, // str x0, [x1]
  0x1400_0000, // b .
];

/** Writes the handlers' page. */
export function writeHandlers(memory: GuestMemory): void {
  const page = memory.own(HANDLERS_ADDRESS, PAGE_BYTES).bytes;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  for (let vector = 0; vector < VECTORS; vector++) writeProgram(view, vector * VECTOR_BYTES, vectorProgram(vector));
  writeProgram(view, VECTORS * VECTOR_BYTES, FREQUENCY_PROGRAM);
}

function writeProgram(view: DataView, offset: number, program: readonly number[]): void {
  for (const [index, word] of program.entries()) view.setUint32(offset + 4 * index, word, true);
}

function vectorProgram(vector: number): readonly number[] {
  const scaledOffset = (FAULT_OFFSET + 4 * vector) / 4;
  return [
    0xd518_d080, // msr tpidr_el1, x0
    0xd2c0_0020, // mov x0, #HYPERCALL_WINDOW
    0xb900_0000 | (scaledOffset << 10), // str w0, [x0, #FAULT_OFFSET + 4 * vector]
    0x1400_0000, // b .
  ];
}

/** The vector that stored to this address; undefined where none does. */
export function vectorOf(address: bigint): number | undefined {
  const vector = (Number(address) - HYPERCALL_WINDOW - FAULT_OFFSET) / 4;
  return Number.isInteger(vector) && vector >= 0 && vector < VECTORS ? vector : undefined;
}

/** Exception classes of ESR_EL1 (Arm ARM, D17.2.37). */
const INSTRUCTION_ABORTS: ReadonlySet<number> = new Set([0x20, 0x21]);
const DATA_ABORTS: ReadonlySet<number> = new Set([0x24, 0x25]);
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x00, "an undefined instruction"],
  [0x07, "the use of floating point, which it turned off"],
  [0x0e, "an illegal state"],
  [0x15, "a supervisor call"],
  [0x18, "an access to a system register"],
  [0x20, "an instruction abort"],
  [0x21, "an instruction abort"],
  [0x22, "an unaligned program counter"],
  [0x24, "a data abort"],
  [0x25, "a data abort"],
  [0x26, "an unaligned stack pointer"],
  [0x2c, "a floating-point error"],
  [0x3c, "a breakpoint"],
]);
/** Of a data abort: it was a write. */
const WRITE = 1n << 6n;

/** What a vector met, by the guest's ESR_EL1, FAR_EL1 and ELR_EL1. */
export function describeException(
  vector: number,
  registers: { readonly syndrome: bigint; readonly address: bigint; readonly pc: bigint },
): GuestFault {
  const { syndrome, address, pc } = registers;
  const kind = KINDS[vector % 4] ?? "";
  if (kind !== "") return { what: kind, pc };
  const exceptionClass = Number((syndrome >> 26n) & 0x3fn);
  const what = NAMES.get(exceptionClass) ?? `an exception of class 0x${exceptionClass.toString(16)}`;
  if (INSTRUCTION_ABORTS.has(exceptionClass)) return { what, address, access: "execute", pc };
  if (!DATA_ABORTS.has(exceptionClass)) return { what, pc };
  return { what, address, access: (syndrome & WRITE) === 0n ? "read" : "write", pc };
}
