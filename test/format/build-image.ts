// Writes images from a description, by the specifications and not by src/format: ELF-64 Object File Format, and Solo5's
// include/elf_abi.h and include/mft_abi.h. What it knows of offsets is its own, so that a slip in either shows.

export interface SegmentDescription {
  readonly address: number;
  readonly content: Uint8Array;
  /** More than the content's length for memory that begins as zero. */
  readonly memoryBytes?: number;
  /** `p_flags`: 4 read, 2 write, 1 execute. */
  readonly flags: number;
  readonly alignBytes?: number;
}

export interface ImageDescription {
  readonly machine?: number;
  readonly entry?: number;
  readonly abiTarget?: number;
  readonly abiVersion?: number;
  readonly devices?: readonly { readonly name: string; readonly type: number }[];
  readonly segments?: readonly SegmentDescription[];
  /** The notes of the last program headers; instead of the usual three: OpenBSD's, Solo5's ABI1 and MFT1. */
  readonly notes?: readonly (keyof typeof NOTES)[];
}

/** Where a field lies in the file, and how many bytes it has. */
export interface FieldPlace {
  readonly offset: number;
  readonly bytes: 1 | 2 | 4 | 8;
}

/** An image's file, and where its fields are, by the names that refusals use. */
export interface BuiltImage {
  readonly file: Uint8Array;
  readonly fields: ReadonlyMap<string, FieldPlace>;
}

export const X86_64 = 62;
export const AARCH64 = 183;
export const HVT = 1;
export const SPT = 2;
export const BLOCK = 1;
export const NET = 2;
export const RESERVED_FIRST = 0x40000000;

export const R = 4;
export const RW = 6;
export const RX = 5;

const EHDR_BYTES = 64;
const PHDR_BYTES = 56;
const PAGE = 0x1000;
const ENTRY_BYTES = 104;

const PT = { load: 1, interp: 3, note: 4, tls: 7 } as const;

/** Segments like those that Solo5's linker scripts make: text, data, bss. */
export const USUAL_SEGMENTS: readonly SegmentDescription[] = [
  { address: 0x100000, content: new Uint8Array(0x1234).fill(0xf4), flags: RX },
  { address: 0x102000, content: new Uint8Array(0x80).fill(0x64), flags: RW },
  { address: 0x103000, content: new Uint8Array(0), memoryBytes: 0x5010, flags: RW },
];

/** A row of the program header table, with the file's bytes that it covers. */
interface Row {
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly content: Uint8Array;
  readonly memoryBytes: number;
  readonly alignBytes: number;
  /** Names inside the content, with their offsets there. */
  readonly fields?: ReadonlyMap<string, FieldPlace>;
}

/**
 * Writes an image. Its program headers are, in this order: PT_INTERP, the segments, an empty PT_LOAD and a PT_TLS as
 * Solo5's linker scripts leave them, then one PT_NOTE each for OpenBSD's, Solo5's ABI1 and Solo5's MFT1 note.
 */
export function buildImage(description: ImageDescription = {}): BuiltImage {
  const { machine = X86_64, entry = 0x100020, segments = USUAL_SEGMENTS } = description;
  const rows: Row[] = [
    { ...plain(PT.interp, ascii("/nonexistent/solo5/\0")), address: 0x100000 },
    ...segments.map(segmentRow),
    { ...plain(PT.load, new Uint8Array(0)), alignBytes: PAGE },
    { ...plain(PT.tls, new Uint8Array(0)), alignBytes: 8 },
    ...(description.notes ?? (["openbsd", "abi", "manifest"] as const)).map((name) => NOTES[name](description)),
  ];
  const fields = new Map<string, FieldPlace>();
  const parts = new FileWriter();
  const tableOffset = EHDR_BYTES;
  parts.reserve(EHDR_BYTES + rows.length * PHDR_BYTES);
  for (const [index, row] of rows.entries()) {
    const offset = row.content.length === 0 ? 0 : parts.append(row.content, row.address, row.alignBytes);
    for (const [name, place] of row.fields ?? []) fields.set(name, { ...place, offset: offset + place.offset });
    const values = [row.type, row.flags, offset, row.address, row.address, row.content.length, row.memoryBytes];
    parts.record(tableOffset + index * PHDR_BYTES, PHDR_LAYOUT, [...values, row.alignBytes], `phdr[${index}].`, fields);
  }
  const values = [0x464c457f, 2, 1, 1, 0, 2, machine, 1, entry, tableOffset, 0, 0, EHDR_BYTES, PHDR_BYTES, rows.length];
  parts.record(0, EHDR_LAYOUT, values, "", fields);
  return { file: parts.file(), fields };
}

/** @returns a copy of the file with one field changed. */
export function withField(image: BuiltImage, name: string, value: number | bigint): Uint8Array {
  const place = image.fields.get(name);
  if (place === undefined) throw new Error(`no field ${name}; there are ${[...image.fields.keys()].join(", ")}`);
  const file = image.file.slice();
  writeField(new DataView(file.buffer), place, value);
  return file;
}

/** The index of a segment's program header; the first is PT_INTERP's. */
export function segmentHeader(segment: number): number {
  return 1 + segment;
}

type Layout = readonly (readonly [name: string, offset: number, bytes: FieldPlace["bytes"]])[];

const EHDR_LAYOUT: Layout = [
  ["e_ident[EI_MAG0..3]", 0, 4],
  ["e_ident[EI_CLASS]", 4, 1],
  ["e_ident[EI_DATA]", 5, 1],
  ["e_ident[EI_VERSION]", 6, 1],
  ["e_ident[EI_OSABI]", 7, 1],
  ["e_type", 16, 2],
  ["e_machine", 18, 2],
  ["e_version", 20, 4],
  ["e_entry", 24, 8],
  ["e_phoff", 32, 8],
  ["e_shoff", 40, 8],
  ["e_flags", 48, 4],
  ["e_ehsize", 52, 2],
  ["e_phentsize", 54, 2],
  ["e_phnum", 56, 2],
];

const PHDR_LAYOUT: Layout = [
  ["p_type", 0, 4],
  ["p_flags", 4, 4],
  ["p_offset", 8, 8],
  ["p_vaddr", 16, 8],
  ["p_paddr", 24, 8],
  ["p_filesz", 32, 8],
  ["p_memsz", 40, 8],
  ["p_align", 48, 8],
];

class FileWriter {
  #bytes = new Uint8Array(0);

  reserve(bytes: number): void {
    const grown = new Uint8Array(this.#bytes.length + bytes);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /** @returns the offset, which has the address's remainder by the alignment. */
  append(content: Uint8Array, address: number, alignBytes: number): number {
    const end = this.#bytes.length;
    const gap = (((address - end) % alignBytes) + alignBytes) % alignBytes;
    this.reserve(gap + content.length);
    this.#bytes.set(content, end + gap);
    return end + gap;
  }

  record(
    start: number,
    layout: Layout,
    values: readonly number[],
    prefix: string,
    fields: Map<string, FieldPlace>,
  ): void {
    const view = new DataView(this.#bytes.buffer);
    for (const [index, [name, offset, bytes]] of layout.entries()) {
      const place = { offset: start + offset, bytes };
      writeField(view, place, values[index] ?? 0);
      fields.set(prefix + name, place);
    }
  }

  file(): Uint8Array {
    return this.#bytes;
  }
}

function writeField(view: DataView, { offset, bytes }: FieldPlace, value: number | bigint): void {
  for (let index = 0; index < bytes; index++) {
    view.setUint8(offset + index, Number((BigInt(value) >> BigInt(8 * index)) & 0xffn));
  }
}

function segmentRow({ address, content, flags, memoryBytes, alignBytes }: SegmentDescription): Row {
  return {
    type: PT.load,
    flags,
    address,
    content,
    memoryBytes: memoryBytes ?? content.length,
    alignBytes: alignBytes ?? PAGE,
  };
}

function plain(type: number, content: Uint8Array): Row {
  return { type, flags: R, address: 0, content, memoryBytes: content.length, alignBytes: 8 };
}

function note(owner: string, type: number, descriptor: Uint8Array): Uint8Array {
  const ownerBytes = ascii(owner);
  const descriptorOffset = 12 + Math.ceil(ownerBytes.length / 4) * 4;
  const bytes = new Uint8Array(descriptorOffset + descriptor.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ownerBytes.length, true);
  view.setUint32(4, descriptor.length, true);
  view.setUint32(8, type, true);
  bytes.set(ownerBytes, 12);
  bytes.set(descriptor, descriptorOffset);
  return bytes;
}

function abiRow({ abiTarget = SPT, abiVersion = 2 }: ImageDescription): Row {
  const descriptor = new Uint8Array(16);
  const view = new DataView(descriptor.buffer);
  view.setUint32(0, abiTarget, true);
  view.setUint32(4, abiVersion, true);
  const fields = new Map<string, FieldPlace>([
    ["ABI1 n_namesz", { offset: 0, bytes: 4 }],
    ["ABI1 n_descsz", { offset: 4, bytes: 4 }],
    ["ABI1 n_type", { offset: 8, bytes: 4 }],
    ["ABI1 n_name[0]", { offset: 12, bytes: 1 }],
    ["ABI1 n_name[5]", { offset: 17, bytes: 1 }],
    ["abi_target", { offset: 20, bytes: 4 }],
    ["abi_version", { offset: 24, bytes: 4 }],
    ["reserved0", { offset: 28, bytes: 4 }],
    ["reserved1", { offset: 32, bytes: 4 }],
  ]);
  return { ...plain(PT.note, note("Solo5\0", 0x31494241, descriptor)), alignBytes: 4, fields };
}

function manifestRow({ devices = [] }: ImageDescription): Row {
  const entries = [{ name: "", type: RESERVED_FIRST }, ...devices];
  // Four bytes bring the manifest from offset 20 to 24, a multiple of 8.
  const descriptor = new Uint8Array(4 + 8 + entries.length * ENTRY_BYTES);
  const view = new DataView(descriptor.buffer);
  const fields = new Map<string, FieldPlace>([
    ["MFT1 n_descsz", { offset: 4, bytes: 4 }],
    ["MFT1 n_type", { offset: 8, bytes: 4 }],
    ["mft.version", { offset: 24, bytes: 4 }],
    ["mft.entries", { offset: 28, bytes: 4 }],
  ]);
  view.setUint32(4, 1, true);
  view.setUint32(8, entries.length, true);
  for (const [index, { name, type }] of entries.entries()) {
    const offset = 12 + index * ENTRY_BYTES;
    descriptor.set(ascii(name), offset);
    view.setUint32(offset + 68, type, true);
    const name0 = 20 + offset;
    for (const letter of [0, 1, 66, 67])
      fields.set(`mft.e[${index}].name[${letter}]`, { offset: name0 + letter, bytes: 1 });
    fields.set(`mft.e[${index}].type`, { offset: name0 + 68, bytes: 4 });
    fields.set(`mft.e[${index}].u`, { offset: name0 + 72, bytes: 8 });
    fields.set(`mft.e[${index}].b`, { offset: name0 + 88, bytes: 8 });
    fields.set(`mft.e[${index}].attached`, { offset: name0 + 96, bytes: 1 });
  }
  return { ...plain(PT.note, note("Solo5\0", 0x3154464d, descriptor)), alignBytes: 4, fields };
}

const NOTES = {
  openbsd: () => ({ ...plain(PT.note, note("OpenBSD\0", 1, new Uint8Array(4))), alignBytes: 4 }),
  abi: abiRow,
  manifest: manifestRow,
  unknown: () => ({ ...plain(PT.note, note("Solo5\0", 0x31455546, new Uint8Array(8))), alignBytes: 4 }),
  cut: () => ({ ...plain(PT.note, note("Solo5\0", 0x31494241, new Uint8Array(16)).slice(0, 16)), alignBytes: 4 }),
} satisfies Record<string, (description: ImageDescription) => Row>;

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
