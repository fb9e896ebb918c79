import { type ElfFile, type ProgramHeader, PT_NOTE } from "./elf.ts";
import { ImageError } from "./error.ts";
import { FieldReader, hex } from "./field.ts";
import type { Abi } from "./image.ts";

const NOTE_OWNER = "Solo5\0";
/** Offsets in a note (ELF-64 Object File Format, section 8); the owner is padded to a multiple of 4. */
const NOTE = { namesz: 0, descsz: 4, type: 8, owner: 12 } as const;
export const NOTE_HEADER_BYTES = NOTE.owner + Math.ceil(NOTE_OWNER.length / 4) * 4;

/** Note types (Solo5 `include/elf_abi.h` and `include/mft_abi.h`): the letters `ABI1` and `MFT1`. */
const NOTE_TYPE = { ABI1: 0x31494241, MFT1: 0x3154464d } as const;
type NoteName = keyof typeof NOTE_TYPE;

/** Offsets in `struct abi1_info`, and its size. */
const ABI1 = { target: 0, version: 4, reserved0: 8, reserved1: 12 } as const;
const ABI1_BYTES = 16;

/** `enum abi_target` (Solo5 `include/elf_abi.h`). */
const ABI_BY_TARGET: readonly (Abi | undefined)[] = [undefined, "hvt", "spt", "virtio", "muen", "genode", "xen"];

/**
 * Finds a Solo5 note. As in Solo5's tenders, a note counts only where it is the first of its `PT_NOTE`; here it must also
 * be the only one there, and the only one of its type.
 * @returns the `PT_NOTE`'s content from the note's header on, exactly as long as the note.
 * @throws ImageError when the note is missing, occurs twice, or its sizes disagree.
 */
export function findNote(elf: ElfFile, name: NoteName): Uint8Array {
  const found = elf.programHeaders.filter((row) => row.type === PT_NOTE && isNote(row, name));
  const [row, second] = found;
  if (row === undefined) {
    throw new ImageError(`Solo5 ${name} note`, "missing", "one: link the program with Solo5's bindings and a manifest");
  }
  if (second !== undefined) {
    throw new ImageError(`Solo5 ${name} note`, `in phdr[${row.index}] and phdr[${second.index}]`, "one");
  }
  const descriptorBytes = new FieldReader(row.content).u32(NOTE.descsz);
  if (row.content.length !== NOTE_HEADER_BYTES + descriptorBytes) {
    throw new ImageError(
      `${name} n_descsz`,
      String(descriptorBytes),
      `${row.content.length - NOTE_HEADER_BYTES}, the rest of the note in phdr[${row.index}]`,
    );
  }
  return row.content;
}

function isNote(row: ProgramHeader, name: NoteName): boolean {
  if (row.content.length < NOTE_HEADER_BYTES) return false;
  const header = new FieldReader(row.content);
  if (header.u32(NOTE.namesz) !== NOTE_OWNER.length || header.u32(NOTE.type) !== NOTE_TYPE[name]) return false;
  return [...NOTE_OWNER].every((letter, index) => header.u8(NOTE.owner + index) === letter.charCodeAt(0));
}

/**
 * Reads the ABI note, `struct abi1_info` (Solo5 `include/elf_abi.h`). Any version is reported: engines know theirs.
 * @throws ImageError when the note is malformed or its target unknown.
 */
export function readAbi(elf: ElfFile): { abi: Abi; abiVersion: number } {
  const descriptor = findNote(elf, "ABI1").subarray(NOTE_HEADER_BYTES);
  if (descriptor.length !== ABI1_BYTES) {
    throw new ImageError("ABI1 n_descsz", String(descriptor.length), String(ABI1_BYTES));
  }
  const info = new FieldReader(descriptor);
  const target = info.u32(ABI1.target);
  const abi = ABI_BY_TARGET[target];
  if (abi === undefined) {
    const known = ABI_BY_TARGET.flatMap((candidate, value) => (candidate ? [`${value} (${candidate})`] : []));
    throw new ImageError("abi_target", String(target), `one of ${known.join(", ")}`);
  }
  for (const name of ["reserved0", "reserved1"] as const) {
    const reserved = info.u32(ABI1[name]);
    if (reserved !== 0) throw new ImageError(name, hex(reserved), "0");
  }
  return { abi, abiVersion: info.u32(ABI1.version) };
}
