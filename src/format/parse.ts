import { type ElfFile, readElf } from "./elf.ts";
import { ImageError } from "./error.ts";
import { hex } from "./field.ts";
import type { Image, Segment } from "./image.ts";
import { readManifest } from "./manifest.ts";
import { readAbi } from "./note.ts";
import { readSegments } from "./segment.ts";

/** Every AArch64 instruction is one word (Arm ARM, DDI 0487, section C2.1). */
const AARCH64_INSTRUCTION_BYTES = 4;

/**
 * Reads an image: a static ELF64 executable with Solo5's ABI and manifest notes (Solo5 `include/elf_abi.h`,
 * `include/mft_abi.h`). Nothing is copied: the image's contents are views of `file`, which must not change afterwards.
 * @throws ImageError naming the first field that was refused; it throws nothing else, whatever the bytes.
 */
export function parseImage(file: Uint8Array): Image {
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  const elf = readElf(bytes);
  // Before the segments: of an ordinary Linux program the missing note is the telling fault.
  const abi = readAbi(elf);
  const manifest = readManifest(elf);
  const { segments, endAddress } = readSegments(elf);
  const entry = readEntry(elf, segments);
  return { architecture: elf.architecture, ...abi, entry, segments, endAddress, manifest };
}

function readEntry({ architecture, entry }: ElfFile, segments: readonly Segment[]): number {
  const inside = segments.some(
    ({ address, memoryBytes, rights }) => rights.execute && entry >= address && entry < address + memoryBytes,
  );
  if (!inside) throw new ImageError("e_entry", hex(entry), "an address inside an executable segment");
  if (architecture === "aarch64" && entry % BigInt(AARCH64_INSTRUCTION_BYTES) !== 0n) {
    throw new ImageError("e_entry", hex(entry), `a multiple of ${AARCH64_INSTRUCTION_BYTES} on aarch64`);
  }
  return Number(entry);
}
