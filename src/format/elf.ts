import { ImageError } from "./error.ts";
import { FieldReader, hex, requireValue, toNumber } from "./field.ts";
import type { Architecture } from "./image.ts";

/** Largest file that is read as an image: 1 GiB. */
export const MAX_IMAGE_BYTES = 2 ** 30;
/** Most program headers of an image; Solo5's linker scripts make ten. */
export const MAX_PROGRAM_HEADERS = 64;

export const PT_LOAD = 1;
export const PT_NOTE = 4;

/** Offsets of the fields of `Elf64_Ehdr` and `Elf64_Phdr`, and their sizes (ELF-64 Object File Format, sections 3 and 6). */
const EHDR = {
  class: 4,
  data: 5,
  identVersion: 6,
  type: 16,
  machine: 18,
  version: 20,
  entry: 24,
  phoff: 32,
  ehsize: 52,
  phentsize: 54,
  phnum: 56,
} as const;
const EHDR_BYTES = 64;
const PHDR = { type: 0, flags: 4, offset: 8, vaddr: 16, filesz: 32, memsz: 40, align: 48 } as const;
const PHDR_BYTES = 56;

const MAGIC = [0x7f, 0x45, 0x4c, 0x46] as const;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const EV_CURRENT = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const ARCHITECTURE_BY_MACHINE: ReadonlyMap<number, Architecture> = new Map([
  [62, "x86-64"],
  [183, "aarch64"],
]);

/** One row of the program header table; its bytes in the file are known to be inside the file. */
export interface ProgramHeader {
  readonly index: number;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly memoryBytes: bigint;
  readonly alignBytes: bigint;
  /** Bytes from the file's start; means nothing where `content` is empty. */
  readonly offset: bigint;
  readonly content: Uint8Array;
}

/** An ELF file's header and program headers, each field of them checked for itself. */
export interface ElfFile {
  readonly architecture: Architecture;
  readonly entry: bigint;
  readonly programHeaders: readonly ProgramHeader[];
}

/**
 * Reads the ELF header and the program header table (ELF-64 Object File Format, sections 3 and 6).
 * `EI_OSABI` and `EI_ABIVERSION` are not looked at: toolchains differ in them. Nor are sections, which only linkers need.
 * @throws ImageError naming the first field that is not as an image needs it.
 */
export function readElf(file: Uint8Array): ElfFile {
  if (file.length > MAX_IMAGE_BYTES) {
    throw new ImageError("file size", `${file.length} bytes`, `at most ${MAX_IMAGE_BYTES} bytes`);
  }
  if (file.length < EHDR_BYTES) {
    throw new ImageError("file size", `${file.length} bytes`, `at least the ${EHDR_BYTES} bytes of an ELF header`);
  }
  const header = new FieldReader(file.subarray(0, EHDR_BYTES));
  checkIdentification(header);
  checkType(header.u16(EHDR.type));
  const machine = header.u16(EHDR.machine);
  const architecture = ARCHITECTURE_BY_MACHINE.get(machine);
  if (architecture === undefined) throw new ImageError("e_machine", String(machine), "62 (x86-64) or 183 (aarch64)");
  requireValue("e_version", header.u32(EHDR.version), EV_CURRENT, "current");
  requireValue("e_ehsize", header.u16(EHDR.ehsize), EHDR_BYTES, "the size of an ELF64 header");
  requireValue("e_phentsize", header.u16(EHDR.phentsize), PHDR_BYTES, "the size of an ELF64 program header");
  return { architecture, entry: header.u64(EHDR.entry), programHeaders: readProgramHeaders(file, header) };
}

function checkIdentification(header: FieldReader): void {
  const magic = MAGIC.map((_, index) => header.u8(index));
  if (magic.some((byte, index) => byte !== MAGIC[index])) {
    const text = magic.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw new ImageError("e_ident[EI_MAG0..3]", text, "7f 45 4c 46 (an ELF file)");
  }
  requireValue("e_ident[EI_CLASS]", header.u8(EHDR.class), ELFCLASS64, "64-bit");
  requireValue("e_ident[EI_DATA]", header.u8(EHDR.data), ELFDATA2LSB, "little endian");
  requireValue("e_ident[EI_VERSION]", header.u8(EHDR.identVersion), EV_CURRENT, "current");
}

function checkType(type: number): void {
  if (type === ET_EXEC) return;
  const value = type === ET_DYN ? `${type} (position-independent or shared)` : String(type);
  throw new ImageError("e_type", value, `${ET_EXEC} (a static executable, linked with Solo5's bindings)`);
}

function readProgramHeaders(file: Uint8Array, header: FieldReader): ProgramHeader[] {
  const count = header.u16(EHDR.phnum);
  if (count < 1 || count > MAX_PROGRAM_HEADERS) {
    throw new ImageError("e_phnum", String(count), `1 to ${MAX_PROGRAM_HEADERS}`);
  }
  const tableBytes = count * PHDR_BYTES;
  const tableOffset = header.u64(EHDR.phoff);
  const lastOffset = file.length - tableBytes;
  if (tableOffset < EHDR_BYTES || tableOffset > lastOffset) {
    throw new ImageError(
      "e_phoff",
      hex(tableOffset),
      `the offset of ${tableBytes} bytes after the ELF header and inside the file of ${file.length} bytes`,
    );
  }
  const table = file.subarray(Number(tableOffset), Number(tableOffset) + tableBytes);
  return Array.from({ length: count }, (_, index) => readProgramHeader(file, table, index));
}

function readProgramHeader(file: Uint8Array, table: Uint8Array, index: number): ProgramHeader {
  const row = new FieldReader(table.subarray(index * PHDR_BYTES, (index + 1) * PHDR_BYTES));
  const offset = row.u64(PHDR.offset);
  return {
    index,
    type: row.u32(PHDR.type),
    flags: row.u32(PHDR.flags),
    address: row.u64(PHDR.vaddr),
    memoryBytes: row.u64(PHDR.memsz),
    alignBytes: row.u64(PHDR.align),
    offset,
    content: readContent(file, index, offset, row.u64(PHDR.filesz)),
  };
}

function readContent(file: Uint8Array, index: number, offset: bigint, size: bigint): Uint8Array {
  if (size === 0n) return file.subarray(0, 0);
  const start = toNumber(`phdr[${index}].p_offset`, offset, file.length, `below the file's size, ${hex(file.length)}`);
  const room = file.length - start;
  const bytes = toNumber(`phdr[${index}].p_filesz`, size, room + 1, `at most ${hex(room)}, the rest of the file`);
  return file.subarray(start, start + bytes);
}
