import { describe, expect, it } from "vitest";
import { ImageError } from "../../src/format/error.ts";
import { parseImage } from "../../src/format/parse.ts";
import {
  AARCH64,
  BLOCK,
  buildImage,
  NET,
  R,
  RESERVED_FIRST,
  RW,
  RX,
  type SegmentDescription,
  segmentHeader,
  USUAL_SEGMENTS,
  withField,
} from "./build-image.ts";

const DEVICES = [
  { name: "storage", type: BLOCK },
  { name: "service0", type: NET },
];
const USUAL = buildImage({ devices: DEVICES });
const LENGTH = USUAL.file.length;

/** Two segments of two pages each, with an alignment of 64 KiB. */
const WIDE: readonly SegmentDescription[] = [
  { address: 0x100000, content: new Uint8Array(0x2000), flags: RX, alignBytes: 0x10000 },
  { address: 0x110000, content: new Uint8Array(0x2000), flags: RW, alignBytes: 0x10000 },
];

function refusal(act: () => unknown): ImageError {
  try {
    act();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function expectRefusal(file: Uint8Array, field: string, value: string, expected: string): void {
  const error = refusal(() => parseImage(file));
  expect({ field: error.field, value: error.value, expected: error.expected }).toEqual({ field, value, expected });
  expect(error.message).toBe(`${field} is ${value}, expected ${expected}`);
}

/** One field changed, which the refusal names. */
type FieldRow = readonly [field: string, value: number | bigint, printed: string, expected: string];

function refusesEach(image: ReturnType<typeof buildImage>, rows: readonly FieldRow[]): void {
  it.each(rows)("%s = %s", (field, value, printed, expected) => {
    expect(() => parseImage(image.file)).not.toThrow();
    expectRefusal(withField(image, field, value), field, printed, expected);
  });
}

describe("the ELF header is refused for", () => {
  const table = `the offset of ${9 * 56} bytes after the ELF header and inside the file of ${LENGTH} bytes`;

  refusesEach(USUAL, [
    ["e_ident[EI_MAG0..3]", 0x01022123, "23 21 02 01", "7f 45 4c 46 (an ELF file)"],
    ["e_ident[EI_MAG0..3]", 0x474c457f, "7f 45 4c 47", "7f 45 4c 46 (an ELF file)"],
    ["e_ident[EI_CLASS]", 1, "1", "2 (64-bit)"],
    ["e_ident[EI_DATA]", 2, "2", "1 (little endian)"],
    ["e_ident[EI_VERSION]", 0, "0", "1 (current)"],
    ["e_type", 1, "1", "2 (a static executable, linked with Solo5's bindings)"],
    ["e_type", 3, "3 (position-independent or shared)", "2 (a static executable, linked with Solo5's bindings)"],
    ["e_machine", 243, "243", "62 (x86-64) or 183 (aarch64)"],
    ["e_version", 2, "2", "1 (current)"],
    ["e_ehsize", 52, "52", "64 (the size of an ELF64 header)"],
    ["e_phentsize", 32, "32", "56 (the size of an ELF64 program header)"],
    ["e_phnum", 0, "0", "1 to 64"],
    ["e_phnum", 65, "65", "1 to 64"],
    ["e_phnum", 0xffff, "65535", "1 to 64"],
    ["e_phoff", 63, "0x3f", table],
    ["e_phoff", LENGTH - 9 * 56 + 1, `0x${(LENGTH - 503).toString(16)}`, table],
    ["e_phoff", 2n ** 64n - 1n, "0xffffffffffffffff", table],
  ]);

  it("a file shorter than it", () => {
    expectRefusal(USUAL.file.slice(0, 63), "file size", "63 bytes", "at least the 64 bytes of an ELF header");
    expectRefusal(new Uint8Array(0), "file size", "0 bytes", "at least the 64 bytes of an ELF header");
    expect(refusal(() => parseImage(USUAL.file.slice(0, 64))).field).toBe("e_phoff");
  });

  it("a file larger than 1 GiB", () => {
    const huge = new Uint8Array(2 ** 30 + 1);
    expectRefusal(huge, "file size", "1073741825 bytes", "at most 1073741824 bytes");
    expect(refusal(() => parseImage(huge.subarray(1))).field).toBe("e_ident[EI_MAG0..3]");
  });

  it("a table of program headers that the file cuts off", () => {
    expect(refusal(() => parseImage(USUAL.file.slice(0, 64 + 503))).field).toBe("e_phoff");
  });
});

describe("a program header's place in the file is refused for", () => {
  const text = segmentHeader(0);
  const room = LENGTH - 0x1000;

  refusesEach(USUAL, [
    ["phdr[0].p_offset", LENGTH, `0x${LENGTH.toString(16)}`, `below the file's size, 0x${LENGTH.toString(16)}`],
    ["phdr[8].p_offset", 2n ** 63n, "0x8000000000000000", `below the file's size, 0x${LENGTH.toString(16)}`],
    [
      `phdr[${text}].p_filesz`,
      room + 1,
      `0x${(room + 1).toString(16)}`,
      `at most 0x${room.toString(16)}, the rest of the file`,
    ],
    [
      `phdr[${text}].p_filesz`,
      2n ** 64n - 1n,
      "0xffffffffffffffff",
      `at most 0x${room.toString(16)}, the rest of the file`,
    ],
  ]);

  it("a table that ends before the notes", () => {
    expect(refusal(() => parseImage(withField(USUAL, "e_phnum", 1))).field).toBe("Solo5 ABI1 note");
  });

  it("a file cut off inside its last part", () => {
    expect(refusal(() => parseImage(USUAL.file.slice(0, LENGTH - 1))).field).toBe("phdr[8].p_filesz");
  });
});

describe("the ABI note is refused for", () => {
  const known = "one of 1 (hvt), 2 (spt), 3 (virtio), 4 (muen), 5 (genode), 6 (xen)";
  const wanted = "one: link the program with Solo5's bindings and a manifest";

  refusesEach(USUAL, [
    ["ABI1 n_descsz", 12, "12", "16, the rest of the note in phdr[7]"],
    ["ABI1 n_descsz", 2 ** 32 - 1, "4294967295", "16, the rest of the note in phdr[7]"],
    ["abi_target", 0, "0", known],
    ["abi_target", 7, "7", known],
    ["abi_target", 2 ** 32 - 1, "4294967295", known],
    ["reserved0", 1, "0x1", "0"],
    ["reserved1", 2 ** 31, "0x80000000", "0"],
  ]);

  it.each(["ABI1 n_namesz", "ABI1 n_type", "ABI1 n_name[0]", "ABI1 n_name[5]"])("being another's by %s", (field) => {
    expectRefusal(withField(USUAL, field, 1), "Solo5 ABI1 note", "missing", wanted);
  });

  it("its absence, as in any Linux program", () => {
    expectRefusal(buildImage({ notes: ["openbsd"] }).file, "Solo5 ABI1 note", "missing", wanted);
  });

  it("a second one", () => {
    const notes = ["abi", "manifest", "abi"] as const;
    expectRefusal(buildImage({ notes }).file, "Solo5 ABI1 note", "in phdr[6] and phdr[8]", "one");
  });

  it("another size", () => {
    const size = withField(USUAL, "phdr[7].p_filesz", 20 + 20);
    const both = withField({ ...USUAL, file: size }, "ABI1 n_descsz", 20);
    expectRefusal(both, "ABI1 n_descsz", "20", "16");
  });

  it("another note behind it", () => {
    const file = withField(USUAL, "phdr[7].p_filesz", 36 + 24);
    expectRefusal(file, "ABI1 n_descsz", "16", "40, the rest of the note in phdr[7]");
  });
});

describe("the manifest is refused for", () => {
  const letters = "letters A-Z, a-z and digits, at least one";

  refusesEach(USUAL, [
    ["MFT1 n_descsz", 1, "1", "324, the rest of the note in phdr[8]"],
    ["mft.version", 2, "2", "1 (the manifest format of Solo5)"],
    ["mft.entries", 0, "0", "1 to 64"],
    ["mft.entries", 65, "65", "1 to 64"],
    ["mft.entries", 2 ** 32 - 1, "4294967295", "1 to 64"],
    ["mft.e[0].type", 1, "1", "1073741824 (reserved)"],
    ["mft.e[0].attached", 1, "1", "0: only a tender attaches"],
    ["mft.e[0].name[67]", 1, "1", "0, the terminator"],
    ["mft.e[1].name[67]", 0xff, "255", "0, the terminator"],
    ["mft.e[1].type", 0, "0", "1 (block) or 2 (net)"],
    ["mft.e[2].type", 3, "3", "1 (block) or 2 (net)"],
    ["mft.e[2].type", RESERVED_FIRST, "1073741824", "1 (block) or 2 (net)"],
    ["mft.e[2].attached", 1, "1", "0: only a tender attaches"],
  ]);

  it.each([
    [0, 0x41, '"A"', "empty, as the first entry is reserved"],
    [1, 0x00, '""', letters],
    [1, 0x20, '" torage"', letters],
    [1, 0x7e, '"~torage"', letters],
    [1, 0x7f, '"\\x7ftorage"', letters],
    [1, 0x2d, '"-torage"', letters],
    [1, 0x1b, '"\\x1btorage"', letters],
    [1, 0x0a, '"\\x0atorage"', letters],
    [1, 0xe9, '"\\xe9torage"', letters],
  ])("the name of entry %i beginning with byte %i", (entry, byte, value, expected) => {
    expectRefusal(withField(USUAL, `mft.e[${entry}].name[0]`, byte), `mft.e[${entry}].name`, value, expected);
  });

  it.each(["/", ":", "@", "[", "`", "{", " ", "_", "\n"])("the letter %j at a name's end", (letter) => {
    const devices = [{ name: `a${letter}`, type: BLOCK }];
    expect(refusal(() => parseImage(buildImage({ devices }).file)).field).toBe("mft.e[1].name");
  });

  it("a number of entries that is not the note's", () => {
    for (const [entries, bytes] of [
      [1, 116],
      [2, 220],
      [4, 428],
      [64, 6668],
    ] as const) {
      const expected = `${bytes}, the size of ${entries} entries`;
      expectRefusal(withField(USUAL, "mft.entries", entries), "MFT1 n_descsz", "324", expected);
    }
  });

  it.each([0, 4, 11])("a note too short for it, of %i bytes", (bytes) => {
    const size = withField(USUAL, "phdr[8].p_filesz", 20 + bytes);
    const both = withField({ ...USUAL, file: size }, "MFT1 n_descsz", bytes);
    expectRefusal(both, "MFT1 n_descsz", String(bytes), "at least 12");
  });

  it("a note that has room for no entry", () => {
    const size = withField(USUAL, "phdr[8].p_filesz", 20 + 12);
    const both = withField({ ...USUAL, file: size }, "MFT1 n_descsz", 12);
    expectRefusal(both, "MFT1 n_descsz", "12", "324, the size of 3 entries");
  });

  it("its absence", () => {
    const expected = "one: link the program with Solo5's bindings and a manifest";
    expectRefusal(buildImage({ notes: ["abi"] }).file, "Solo5 MFT1 note", "missing", expected);
  });

  it("a second one", () => {
    const notes = ["manifest", "manifest", "abi"] as const;
    expectRefusal(buildImage({ notes }).file, "Solo5 MFT1 note", "in phdr[6] and phdr[7]", "one");
  });

  it("a name that occurs twice, whatever the types", () => {
    const devices = [...DEVICES, { name: "storage", type: NET }];
    const expected = "a name that mft.e[1] does not have";
    expectRefusal(buildImage({ devices }).file, "mft.e[3].name", '"storage"', expected);
  });
});

describe("a segment is refused for", () => {
  const [text, data, bss] = [segmentHeader(0), segmentHeader(1), segmentHeader(2)];
  const power = "a power of two, at least 0x1000";
  const wx = "no segment both writable and executable (W^X)";
  const page = "a multiple of the page size, 0x1000";
  const flags = "no bits but 4 (read), 2 (write) and 1 (execute)";

  refusesEach(USUAL, [
    [`phdr[${text}].p_align`, 0, "0x0", power],
    [`phdr[${text}].p_align`, 0x800, "0x800", power],
    [`phdr[${text}].p_align`, 0x3000, "0x3000", power],
    [`phdr[${text}].p_align`, 2n ** 47n, "0x800000000000", "below 0x800000000000"],
    [`phdr[${text}].p_align`, 2n ** 64n - 1n, "0xffffffffffffffff", "below 0x800000000000"],
    [`phdr[${text}].p_vaddr`, 0x100008, "0x100008", page],
    [`phdr[${text}].p_vaddr`, 0, "0x0", "at least 0x100000"],
    [`phdr[${text}].p_vaddr`, 0xff000, "0xff000", "at least 0x100000"],
    [`phdr[${text}].p_vaddr`, 2n ** 47n, "0x800000000000", "below 0x800000000000"],
    [`phdr[${text}].p_vaddr`, 2n ** 64n - 0x1000n, "0xfffffffffffff000", "below 0x800000000000"],
    [`phdr[${bss}].p_memsz`, 2n ** 47n, "0x800000000000", "at most 0x7fffffefd000, up to 0x800000000000"],
    [`phdr[${bss}].p_memsz`, 2n ** 47n - 0x102fffn, "0x7fffffefd001", "at most 0x7fffffefd000, up to 0x800000000000"],
    [
      `phdr[${bss}].p_memsz`,
      2n ** 64n - 0x103000n,
      "0xffffffffffefd000",
      "at most 0x7fffffefd000, up to 0x800000000000",
    ],
    [`phdr[${data}].p_filesz`, 0x81, "0x81", "at most p_memsz, 0x80"],
    [`phdr[${text}].p_offset`, 0x1008, "0x1008", "p_vaddr's remainder by p_align, 0x0"],
    [`phdr[${data}].p_flags`, 7, "0x7", wx],
    [`phdr[${data}].p_flags`, 3, "0x3", wx],
    [`phdr[${data}].p_flags`, 14, "0xe", flags],
    [`phdr[${data}].p_flags`, 2 ** 31, "0x80000000", flags],
    [`phdr[${data}].p_vaddr`, 0x101000, "0x101000", `at least 0x102000, where the pages of phdr[${text}] end`],
    [`phdr[${data}].p_vaddr`, 0x100000, "0x100000", `at least 0x102000, where the pages of phdr[${text}] end`],
    [`phdr[${bss}].p_vaddr`, 0x101000, "0x101000", "ascending order, above 0x102000"],
  ]);

  it("a size in memory of zero where the file holds bytes", () => {
    const field = `phdr[${text}].p_filesz`;
    expectRefusal(withField(USUAL, `phdr[${text}].p_memsz`, 0), field, "0x1234", "at most p_memsz, 0x0");
  });

  it("memory that reaches into the next", () => {
    const expected = `at least 0x103000, where the pages of phdr[${text}] end`;
    expectRefusal(withField(USUAL, `phdr[${text}].p_memsz`, 0x2001), `phdr[${data}].p_vaddr`, "0x102000", expected);
  });

  it("pages that overlap only when rounded to its alignment", () => {
    const expected = `at least 0x110000, where the pages of phdr[${text}] end`;
    const image = buildImage({ segments: WIDE });
    expect(() => parseImage(image.file)).not.toThrow();
    const apart = { address: 0x102000, content: new Uint8Array(0), memoryBytes: 0x1000, flags: R };
    const [first, second] = WIDE as [SegmentDescription, SegmentDescription];
    expectRefusal(buildImage({ segments: [first, apart] }).file, `phdr[${data}].p_vaddr`, "0x102000", expected);
    const shifted = { ...second, address: 0x118000 };
    const before = { address: 0x110000, content: new Uint8Array(8), flags: R };
    expectRefusal(
      buildImage({ segments: [first, before, shifted] }).file,
      `phdr[${bss}].p_vaddr`,
      "0x118000 (0x110000 when rounded down to p_align)",
      `at least 0x111000, where the pages of phdr[${data}] end`,
    );
  });

  it("an alignment that reaches below the lowest address", () => {
    const segments = [{ ...USUAL_SEGMENTS[0], alignBytes: 0x200000 } as SegmentDescription];
    const expected = "at least 0x100000 when rounded down to p_align, 0x200000";
    expectRefusal(buildImage({ segments }).file, `phdr[${text}].p_vaddr`, "0x100000", expected);
  });
});

describe("the entry is refused", () => {
  const inside = "an address inside an executable segment";

  refusesEach(USUAL, [
    ["e_entry", 0, "0x0", inside],
    ["e_entry", 0xfffff, "0xfffff", inside],
    ["e_entry", 0x101234, "0x101234", inside],
    ["e_entry", 0x102000, "0x102000", inside],
    ["e_entry", 2n ** 64n - 1n, "0xffffffffffffffff", inside],
  ]);

  refusesEach(buildImage({ machine: AARCH64 }), [["e_entry", 0x100022, "0x100022", "a multiple of 4 on aarch64"]]);

  it("where there is no segment", () => {
    expectRefusal(buildImage({ segments: [] }).file, "e_entry", "0x100020", inside);
  });

  it("nowhere else: the first and the last byte of an executable segment will do on x86-64", () => {
    for (const entry of [0x100000, 0x101233]) expect(parseImage(buildImage({ entry }).file).entry).toBe(entry);
  });
});
