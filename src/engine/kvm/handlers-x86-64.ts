/**
 * What an x86-64 guest starts with: descriptors, and handlers for the exceptions that it does not take itself. Without
 * them the first exception would shut the processor down, after which AMD's loses its registers (AMD APM volume 2,
 * section 15.14.3). The guest's own bindings replace them by theirs.
 */
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { PAGE_BYTES } from "../../memory/page-table/mapping.ts";
import type { GuestFault, Registers } from "../engine.ts";
import { HANDLER_STACK_ADDRESS, HANDLERS_ADDRESS } from "../guest/layout.ts";

/** The handlers write the address of what they saved to this port. */
export const FAULT_PORT = 0x5ff;

export const SELECTOR = { code: 0x08, data: 0x10, task: 0x18 } as const;
const CODE_DESCRIPTOR = 0x00af_9b00_0000_ffffn;
const DATA_DESCRIPTOR = 0x00cf_9300_0000_ffffn;

export const TASK_BYTES = 104;
const GATE_BYTES = 16;
const VECTORS = 32;
/** Offsets in the handlers' page. */
const GDT = 0;
const TASK = 0x40;
const IDT = 0x100;
const ENTRIES = 0x300;
const COMMON = 0x500;
const ENTRY_BYTES = 16;

export const GDT_TABLE = { base: HANDLERS_ADDRESS + GDT, limit: 5 * 8 - 1 } as const;
export const IDT_TABLE = { base: HANDLERS_ADDRESS + IDT, limit: VECTORS * GATE_BYTES - 1 } as const;
export const TASK_ADDRESS = HANDLERS_ADDRESS + TASK;

/** Vectors for which the processor itself pushes an error code (Intel SDM volume 3, section 6.13). */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21, 29, 30]);
const PAGE_FAULT = 14;

/** Intel SDM volume 3, table 6-1. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0, "a divide error"],
  [1, "a debug exception"],
  [2, "a non-maskable interrupt"],
  [3, "a breakpoint"],
  [4, "an overflow"],
  [5, "a bound exceeded"],
  [6, "an invalid opcode"],
  [7, "the use of floating point, which it turned off"],
  [8, "a double fault"],
  [10, "an invalid task state"],
  [11, "a segment not present"],
  [12, "a stack fault"],
  [13, "a general protection fault"],
  [PAGE_FAULT, "a page fault"],
  [16, "a floating-point error"],
  [17, "an alignment fault"],
  [18, "a machine check"],
  [19, "a SIMD floating-point error"],
]);

/** Writes the handlers' page. */
export function writeHandlers(memory: GuestMemory): void {
  const page = memory.own(HANDLERS_ADDRESS, PAGE_BYTES).bytes;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  view.setBigUint64(GDT + SELECTOR.code, CODE_DESCRIPTOR, true);
  view.setBigUint64(GDT + SELECTOR.data, DATA_DESCRIPTOR, true);
  // A busy 64-bit task state segment (Intel SDM volume 3, figure 7-4); its base is below 2^24.
  const taskType = 0x8b;
  view.setBigUint64(
    GDT + SELECTOR.task,
    BigInt(TASK_BYTES - 1) | (BigInt(TASK_ADDRESS) << 16n) | (BigInt(taskType) << 40n),
    true,
  );
  // The first of the task's interrupt stacks, and no map of ports (figure 7-11).
  view.setBigUint64(TASK + 36, BigInt(HANDLER_STACK_ADDRESS + PAGE_BYTES), true);
  view.setUint16(TASK + 102, TASK_BYTES, true);
  for (let vector = 0; vector < VECTORS; vector++) {
    writeGate(view, vector);
    page.set(entryCode(vector), ENTRIES + vector * ENTRY_BYTES);
  }
  page.set(COMMON_CODE, COMMON);
}

/** A 64-bit interrupt gate on the first interrupt stack (Intel SDM volume 3, figure 6-8). */
function writeGate(view: DataView, vector: number): void {
  const interruptGate = 0x8e;
  const gate = IDT + vector * GATE_BYTES;
  const entry = HANDLERS_ADDRESS + ENTRIES + vector * ENTRY_BYTES;
  view.setUint16(gate, entry & 0xffff, true);
  view.setUint16(gate + 2, SELECTOR.code, true);
  view.setUint8(gate + 4, 1);
  view.setUint8(gate + 5, interruptGate);
  view.setUint16(gate + 6, entry >>> 16, true);
}

function entryCode(vector: number): Uint8Array {
  const pushes = [...(WITH_ERROR_CODE.has(vector) ? [] : [0x6a, 0]), 0x6a, vector]; // push imm8
  const jumpEnd = ENTRIES + vector * ENTRY_BYTES + pushes.length + 5;
  const distance = new DataView(new ArrayBuffer(4));
  distance.setInt32(0, COMMON - jumpEnd, true);
  return Uint8Array.of(...pushes, 0xe9, ...new Uint8Array(distance.buffer)); // jmp rel32
}

const COMMON_CODE = Uint8Array.of(
  0x50, // push rax
  0x52, // push rdx
  ...[0x89, 0xe0], // mov eax, esp
  ...[0xba, FAULT_PORT & 0xff, FAULT_PORT >>> 8, 0, 0], // mov edx, FAULT_PORT
  0xef, // out dx, eax
  ...[0xeb, 0xfd], // jmp to the out again
);

/** What the handlers leave on their stack, from the lowest address on: 64 bits each. */
const SAVED = {
  bytes: 9 * 8,
  rdx: 0,
  rax: 8,
  vector: 16,
  error: 24,
  pc: 32,
  cs: 40,
  rflags: 48,
  rsp: 56,
  ss: 64,
} as const;

/** Bits of a page fault's error code (Intel SDM volume 3, figure 4-12). */
const WRITE = 1 << 1;
const INSTRUCTION_FETCH = 1 << 4;

/**
 * Reads what a handler saved.
 * @param pointer what it wrote to `FAULT_PORT`; a guest can write there too, and anything.
 * @param faultAddress CR2.
 */
export function readFault(memory: GuestMemory, pointer: number, faultAddress: bigint): GuestFault {
  const saved = memory.range(pointer, SAVED.bytes);
  if (saved === undefined) return { what: `a write to port 0x${FAULT_PORT.toString(16)}` };
  const vector = saved.u32(SAVED.vector);
  const what = NAMES.get(vector) ?? `an exception ${vector}`;
  const pc = saved.bigU64(SAVED.pc);
  const error = saved.u32(SAVED.error);
  if (vector !== PAGE_FAULT) return { what: error === 0 ? what : `${what} (code 0x${error.toString(16)})`, pc };
  const access = (error & INSTRUCTION_FETCH) !== 0 ? "execute" : (error & WRITE) !== 0 ? "write" : "read";
  return { what, address: faultAddress, access, pc };
}

/** The registers that a handler and the processor saved, as the guest had them. @param pointer as of `readFault`. */
export function readSavedRegisters(memory: GuestMemory, pointer: number): Registers {
  const saved = memory.range(pointer, SAVED.bytes);
  if (saved === undefined) return new Map();
  const names = { rax: "rax", rdx: "rdx", pc: "rip", cs: "cs", rflags: "rflags", rsp: "rsp", ss: "ss" } as const;
  return new Map(
    (Object.keys(names) as (keyof typeof names)[]).map((field) => [names[field], saved.bigU64(SAVED[field])]),
  );
}
