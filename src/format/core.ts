import type { Architecture } from "./image.ts";

/**
 * ELF core files, as debuggers read them: the registers as Linux writes them for a process of one thread, and the memory
 * (ELF-64 Object File Format; Linux include/uapi/linux/elf.h and elfcore.h, `struct elf_prstatus`).
 */

const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const ET_CORE = 4;
const MACHINE: Readonly<Record<Architecture, number>> = { "x86-64": 62, aarch64: 183 };
const PT_LOAD = 1;
const PT_NOTE = 4;
const READ_WRITE_EXECUTE = 7;
const NT_PRSTATUS = 1;
const NOTE_NAME = "CORE";
/** Three sizes of 32 bits, and the name with its terminator, padded to a multiple of 4. */
const NOTE_HEADER_BYTES = 12 + 8;
/** The memory begins at a multiple of this, so that its pages are the file's. */
const ALIGN_BYTES = 4096;

/** Offsets in `struct elf_prstatus`, the same on both architectures; behind the registers stands `pr_fpvalid`. */
const PRSTATUS = { signal: 12, process: 32, registers: 112 } as const;
const PRSTATUS_TAIL_BYTES = 8;

/** `pr_reg`: `struct user_regs_struct` of x86-64 (sys/user.h), `struct user_pt_regs` of AArch64 (asm/ptrace.h). */
const REGISTERS: Readonly<Record<Architecture, readonly string[]>> = {
  "x86-64": [
    ...["r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"],
    ...["orig_rax", "rip", "cs", "rflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"],
  ],
  aarch64: [...Array.from({ length: 31 }, (_, number) => `x${number}`), "sp", "pc", "pstate"],
};

export interface CoreDescription {
  readonly architecture: Architecture;
  /** By name, as debuggers and `engine.ts` call them; those that are left out are 0. */
  readonly registers: ReadonlyMap<string, bigint>;
  /** What ended it, as Linux numbers signals. */
  readonly signal: number;
  readonly processId: number;
  /** The memory: one range of addresses from 0 on. */
  readonly memoryBytes: number;
}

export interface CoreHeader {
  readonly bytes: Uint8Array;
  /** Where the memory's first byte stands in the file, which ends with the memory. */
  readonly memoryOffset: number;
}

/** All of a core file that stands before the memory. */
export function coreHeader(core: CoreDescription): CoreHeader {
  const status = prstatus(core);
  const noteOffset = ELF_HEADER_BYTES + 2 * PROGRAM_HEADER_BYTES;
  const noteBytes = NOTE_HEADER_BYTES + status.length;
  const memoryOffset = Math.ceil((noteOffset + noteBytes) / ALIGN_BYTES) * ALIGN_BYTES;
  const bytes = new Uint8Array(memoryOffset);
  const view = new DataView(bytes.buffer);
  writeElfHeader(view, core.architecture);
  writeProgramHeader(view, 0, { type: PT_NOTE, flags: 0, offset: noteOffset, bytes: noteBytes, align: 4 });
  writeProgramHeader(view, 1, {
    type: PT_LOAD,
    flags: READ_WRITE_EXECUTE,
    offset: memoryOffset,
    bytes: core.memoryBytes,
    align: ALIGN_BYTES,
  });
  view.setUint32(noteOffset, NOTE_NAME.length + 1, true);
  view.setUint32(noteOffset + 4, status.length, true);
  view.setUint32(noteOffset + 8, NT_PRSTATUS, true);
  new TextEncoder().encodeInto(NOTE_NAME, bytes.subarray(noteOffset + 12));
  bytes.set(status, noteOffset + NOTE_HEADER_BYTES);
  return { bytes, memoryOffset };
}

/** Class 64 bits, little endian, version 1, no system's own ABI. */
function writeElfHeader(view: DataView, architecture: Architecture): void {
  const identification = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1];
  for (const [index, byte] of identification.entries()) view.setUint8(index, byte);
  view.setUint16(16, ET_CORE, true);
  view.setUint16(18, MACHINE[architecture], true);
  view.setUint32(20, 1, true);
  view.setBigUint64(32, BigInt(ELF_HEADER_BYTES), true);
  view.setUint16(52, ELF_HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, 2, true);
}

interface ProgramHeaderFields {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly bytes: number;
  readonly align: number;
}

function writeProgramHeader(view: DataView, index: number, fields: ProgramHeaderFields): void {
  const at = ELF_HEADER_BYTES + index * PROGRAM_HEADER_BYTES;
  view.setUint32(at, fields.type, true);
  view.setUint32(at + 4, fields.flags, true);
  view.setBigUint64(at + 8, BigInt(fields.offset), true);
  view.setBigUint64(at + 32, BigInt(fields.bytes), true);
  view.setBigUint64(at + 40, fields.type === PT_LOAD ? BigInt(fields.bytes) : 0n, true);
  view.setBigUint64(at + 48, BigInt(fields.align), true);
}

function prstatus({ architecture, registers, signal, processId }: CoreDescription): Uint8Array {
  const names = REGISTERS[architecture];
  const view = new DataView(new ArrayBuffer(PRSTATUS.registers + names.length * 8 + PRSTATUS_TAIL_BYTES));
  view.setInt32(0, signal, true);
  view.setInt16(PRSTATUS.signal, signal, true);
  view.setInt32(PRSTATUS.process, processId, true);
  for (const [index, name] of names.entries()) {
    view.setBigUint64(PRSTATUS.registers + index * 8, registers.get(name) ?? 0n, true);
  }
  return new Uint8Array(view.buffer);
}
