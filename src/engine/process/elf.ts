import type { Architecture, Rights } from "../../format/image.ts";

/** A file's content by pieces; what lies between them is zero. */
export interface SparseFile {
  readonly sizeBytes: number;
  readonly pieces: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

// ELF64 (System V gABI, chapters 4 and 5).
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const ET_EXEC = 2;
const MACHINE: Readonly<Record<Architecture, number>> = { "x86-64": 62, aarch64: 183 };
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474_e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** A part of the executable that the kernel maps. */
export interface Part {
  readonly address: number;
  readonly content: Uint8Array;
  readonly memoryBytes: number;
  readonly rights: Rights;
}

/** Puts each part at a file offset congruent to its address, as mapping it demands. */
export function layOut(
  architecture: Architecture,
  entry: number,
  pageBytes: number,
  parts: readonly Part[],
): SparseFile {
  const headers = new Uint8Array(ELF_HEADER_BYTES + (parts.length + 1) * PROGRAM_HEADER_BYTES);
  const view = new DataView(headers.buffer);
  writeElfHeader(view, architecture, entry, parts.length + 1);
  const pieces: { offset: number; bytes: Uint8Array }[] = [{ offset: 0, bytes: headers }];
  let end = headers.length;
  for (const [index, part] of parts.entries()) {
    // A page of the file of its own: what follows in the file must not appear behind the part in memory.
    const offset = Math.ceil(end / pageBytes) * pageBytes + (part.address % pageBytes);
    // The kernel clears what a file does not cover only where it may write; elsewhere the file's hole is the zeros.
    const fileBytes = part.rights.write ? part.content.length : part.memoryBytes;
    writeProgramHeader(view, index, { ...part, type: PT_LOAD, offset, fileBytes, alignBytes: pageBytes });
    if (fileBytes > 0) {
      pieces.push({ offset, bytes: part.content });
      end = offset + fileBytes;
    }
  }
  writeProgramHeader(view, parts.length, { ...STACK, type: PT_GNU_STACK, offset: 0, fileBytes: 0, alignBytes: 16 });
  return { sizeBytes: end, pieces };
}

/** Says that the initial stack is not executable. */
const STACK = { address: 0, memoryBytes: 0, rights: { read: true, write: true, execute: false } } as const;

function writeElfHeader(view: DataView, architecture: Architecture, entry: number, programHeaders: number): void {
  // Magic, 64-bit, little-endian, version 1.
  for (const [index, byte] of [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1].entries()) view.setUint8(index, byte);
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, MACHINE[architecture], true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(entry), true);
  view.setBigUint64(32, BigInt(ELF_HEADER_BYTES), true);
  view.setUint16(52, ELF_HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, programHeaders, true);
}

interface ProgramHeader extends Omit<Part, "content"> {
  readonly type: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly alignBytes: number;
}

function writeProgramHeader(view: DataView, index: number, header: ProgramHeader): void {
  const at = ELF_HEADER_BYTES + index * PROGRAM_HEADER_BYTES;
  const { read, write, execute } = header.rights;
  view.setUint32(at, header.type, true);
  view.setUint32(at + 4, (read ? PF_R : 0) | (write ? PF_W : 0) | (execute ? PF_X : 0), true);
  view.setBigUint64(at + 8, BigInt(header.offset), true);
  view.setBigUint64(at + 16, BigInt(header.address), true);
  view.setBigUint64(at + 24, BigInt(header.address), true);
  view.setBigUint64(at + 32, BigInt(header.fileBytes), true);
  view.setBigUint64(at + 40, BigInt(header.memoryBytes), true);
  view.setBigUint64(at + 48, BigInt(header.alignBytes), true);
}
