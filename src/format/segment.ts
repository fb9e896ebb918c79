import { type ElfFile, type ProgramHeader, PT_LOAD } from "./elf.ts";
import { ImageError } from "./error.ts";
import { hex, toNumber } from "./field.ts";
import type { Rights, Segment } from "./image.ts";

/** Smallest page of both architectures; every segment begins on one, so that its rights are its own. */
const PAGE_BYTES = 4096;
/** Lowest address of a segment: `HVT_GUEST_MIN_BASE` and `SPT_GUEST_MIN_BASE`. What lies below is the tender's. */
const MIN_ADDRESS = 0x100000;
/** Where segments end at the latest: the lower half of a 48-bit address space. A multiple of every alignment below it. */
const MAX_ADDRESS = 2 ** 47;

const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** The addresses whose rights a segment decides: its own, rounded outwards to its alignment. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the loadable segments; a `PT_LOAD` that occupies no memory is none.
 * @returns the segments in ascending order, and the end of the last, rounded up to its alignment; 0 where there is none.
 * @throws ImageError naming the first field that breaks a bound, an alignment, the order or the rule W^X.
 */
export function readSegments(elf: ElfFile): { segments: Segment[]; endAddress: number } {
  const segments: Segment[] = [];
  let endAddress = 0;
  for (const row of elf.programHeaders) {
    if (row.type !== PT_LOAD || (row.memoryBytes === 0n && row.content.length === 0)) continue;
    const segment = readSegment(row);
    const range = rangeOf(segment);
    checkLowest(segment, range);
    checkPlace(segment, range, segments.at(-1), endAddress);
    segments.push(segment);
    endAddress = range.end;
  }
  return { segments, endAddress };
}

function readSegment(row: ProgramHeader): Segment {
  const name = `phdr[${row.index}]`;
  const alignBytes = toNumber(`${name}.p_align`, row.alignBytes, MAX_ADDRESS, `below ${hex(MAX_ADDRESS)}`);
  if (alignBytes < PAGE_BYTES || (row.alignBytes & (row.alignBytes - 1n)) !== 0n) {
    throw new ImageError(`${name}.p_align`, hex(alignBytes), `a power of two, at least ${hex(PAGE_BYTES)}`);
  }
  const address = toNumber(`${name}.p_vaddr`, row.address, MAX_ADDRESS, `below ${hex(MAX_ADDRESS)}`);
  if (address % PAGE_BYTES !== 0) {
    throw new ImageError(`${name}.p_vaddr`, hex(address), `a multiple of the page size, ${hex(PAGE_BYTES)}`);
  }
  const room = MAX_ADDRESS - address;
  const memoryBytes = toNumber(
    `${name}.p_memsz`,
    row.memoryBytes,
    room + 1,
    `at most ${hex(room)}, up to ${hex(MAX_ADDRESS)}`,
  );
  if (row.content.length > memoryBytes) {
    throw new ImageError(`${name}.p_filesz`, hex(row.content.length), `at most p_memsz, ${hex(memoryBytes)}`);
  }
  // Where nothing is in the file, linkers write any offset (ELF-64 Object File Format, section 6).
  if (row.content.length > 0 && (row.offset - row.address) % row.alignBytes !== 0n) {
    const remainder = hex(row.address % row.alignBytes);
    throw new ImageError(`${name}.p_offset`, hex(row.offset), `p_vaddr's remainder by p_align, ${remainder}`);
  }
  return { index: row.index, address, memoryBytes, content: row.content, rights: readRights(row), alignBytes };
}

function readRights({ index, flags }: ProgramHeader): Rights {
  if ((flags & ~(PF_R | PF_W | PF_X)) !== 0) {
    throw new ImageError(`phdr[${index}].p_flags`, hex(flags), "no bits but 4 (read), 2 (write) and 1 (execute)");
  }
  if ((flags & PF_W) !== 0 && (flags & PF_X) !== 0) {
    throw new ImageError(`phdr[${index}].p_flags`, hex(flags), "no segment both writable and executable (W^X)");
  }
  return { read: (flags & PF_R) !== 0, write: (flags & PF_W) !== 0, execute: (flags & PF_X) !== 0 };
}

function rangeOf({ address, memoryBytes, alignBytes }: Segment): Range {
  return {
    start: address - (address % alignBytes),
    end: Math.ceil((address + memoryBytes) / alignBytes) * alignBytes,
  };
}

function checkLowest({ index, address, alignBytes }: Segment, range: Range): void {
  if (range.start >= MIN_ADDRESS) return;
  const rounded = range.start === address ? "" : ` when rounded down to p_align, ${hex(alignBytes)}`;
  throw new ImageError(`phdr[${index}].p_vaddr`, hex(address), `at least ${hex(MIN_ADDRESS)}${rounded}`);
}

function checkPlace(segment: Segment, range: Range, previous: Segment | undefined, endAddress: number): void {
  if (previous === undefined) return;
  const field = `phdr[${segment.index}].p_vaddr`;
  if (segment.address < previous.address) {
    throw new ImageError(field, hex(segment.address), `ascending order, above ${hex(previous.address)}`);
  }
  if (range.start < endAddress) {
    const rounded = range.start === segment.address ? "" : ` (${hex(range.start)} when rounded down to p_align)`;
    throw new ImageError(
      field,
      `${hex(segment.address)}${rounded}`,
      `at least ${hex(endAddress)}, where the pages of phdr[${previous.index}] end`,
    );
  }
}
