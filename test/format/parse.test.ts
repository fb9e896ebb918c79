import { describe, expect, it } from "vitest";
import { minimumMemoryMib } from "../../src/format/memory.ts";
import { parseImage } from "../../src/format/parse.ts";
import {
  AARCH64,
  BLOCK,
  buildImage,
  HVT,
  NET,
  R,
  RW,
  RX,
  segmentHeader,
  USUAL_SEGMENTS,
  withField,
} from "./build-image.ts";

describe("parseImage", () => {
  it("reads every field of an image", () => {
    const devices = [
      { name: "storage", type: BLOCK },
      { name: "service0", type: NET },
    ];
    const image = parseImage(buildImage({ devices }).file);
    expect(image).toMatchObject({
      architecture: "x86-64",
      abi: "spt",
      abiVersion: 2,
      entry: 0x100020,
      endAddress: 0x109000,
      manifest: {
        version: 1,
        devices: [
          { index: 1, name: "storage", type: "block" },
          { index: 2, name: "service0", type: "net" },
        ],
      },
    });
    expect(image.segments).toEqual([
      {
        index: 1,
        address: 0x100000,
        memoryBytes: 0x1234,
        content: new Uint8Array(0x1234).fill(0xf4),
        rights: { read: true, write: false, execute: true },
        alignBytes: 0x1000,
      },
      {
        index: 2,
        address: 0x102000,
        memoryBytes: 0x80,
        content: new Uint8Array(0x80).fill(0x64),
        rights: { read: true, write: true, execute: false },
        alignBytes: 0x1000,
      },
      {
        index: 3,
        address: 0x103000,
        memoryBytes: 0x5010,
        content: new Uint8Array(0),
        rights: { read: true, write: true, execute: false },
        alignBytes: 0x1000,
      },
    ]);
  });

  it("gives the manifest as it stands in the file", () => {
    const built = buildImage({ devices: [{ name: "storage", type: BLOCK }] });
    const start = built.fields.get("mft.version")?.offset ?? Number.NaN;
    expect(parseImage(built.file).manifest.bytes).toEqual(built.file.slice(start, start + 8 + 2 * 104));
  });

  it("copies nothing", () => {
    const { file } = buildImage();
    const image = parseImage(file);
    for (const { content } of image.segments) expect(content.buffer).toBe(file.buffer);
    expect(image.manifest.bytes.buffer).toBe(file.buffer);
  });

  it("reads an image that does not begin its buffer", () => {
    const { file } = buildImage();
    const pool = Buffer.alloc(file.length + 13, 0xff);
    pool.set(file, 13);
    expect(parseImage(pool.subarray(13))).toEqual(parseImage(file));
  });

  it.each([
    [1, "hvt"],
    [2, "spt"],
    [3, "virtio"],
    [4, "muen"],
    [5, "genode"],
    [6, "xen"],
  ])("knows ABI target %i as %s, of any version", (abiTarget, abi) => {
    for (const abiVersion of [0, 1, 2 ** 32 - 1]) {
      expect(parseImage(buildImage({ abiTarget, abiVersion }).file)).toMatchObject({ abi, abiVersion });
    }
  });

  it("reads an image for AArch64", () => {
    expect(parseImage(buildImage({ machine: AARCH64, abiTarget: HVT }).file)).toMatchObject({
      architecture: "aarch64",
      abi: "hvt",
    });
  });

  it("reads 63 devices, and a name of 67 letters", () => {
    const devices = Array.from({ length: 63 }, (_, index) => ({ name: `d${index}`.padEnd(67, "Z"), type: BLOCK }));
    const read = parseImage(buildImage({ devices }).file).manifest.devices;
    expect(read).toEqual(devices.map(({ name }, index) => ({ index: index + 1, name, type: "block" })));
  });

  it("reads segments without gaps up to the limit of addresses", () => {
    const content = new Uint8Array(0x1000);
    const segments = [
      { address: 0x100000, content, flags: RX },
      { address: 0x101000, content, flags: R },
      { address: 2 ** 47 - 0x200000, content, memoryBytes: 0x200000, flags: RW, alignBytes: 0x200000 },
    ];
    expect(parseImage(buildImage({ segments }).file).endAddress).toBe(2 ** 47);
  });

  it("rounds the end up to the last segment's alignment", () => {
    const last = { address: 0x200000, content: new Uint8Array(0), memoryBytes: 1, flags: RW, alignBytes: 0x10000 };
    expect(parseImage(buildImage({ segments: [...USUAL_SEGMENTS, last] }).file).endAddress).toBe(0x210000);
  });
});

describe("an image at a limit is read:", () => {
  it("64 program headers", () => {
    const notes = ["abi", "manifest", ...Array.from({ length: 56 }, () => "unknown" as const)] as const;
    const built = buildImage({ notes });
    expect(built.fields.has("phdr[63].p_type") && !built.fields.has("phdr[64].p_type")).toBe(true);
    expect(parseImage(built.file).segments).toHaveLength(3);
  });

  it("its table of program headers at the file's end", () => {
    const built = buildImage();
    const table = built.file.slice(64, 64 + 9 * 56);
    const file = new Uint8Array([...withField(built, "e_phoff", built.file.length), ...table]);
    file.fill(0, 64, 64 + table.length);
    expect(parseImage(file).segments).toHaveLength(3);
  });
});

describe("what an image may hold without being refused", () => {
  const built = buildImage({ devices: [{ name: "storage", type: BLOCK }] });
  const usual = parseImage(built.file);
  const text = segmentHeader(0);
  const bss = segmentHeader(2);
  const empty = segmentHeader(3);

  it.each([
    ["any operating system in the ELF header", "e_ident[EI_OSABI]", 3],
    ["flags that no processor supplement defines", "e_flags", 5],
    ["a section header offset outside the file", "e_shoff", 2n ** 63n],
    ["an empty PT_LOAD with any alignment", `phdr[${empty}].p_align`, 3],
    ["an empty PT_LOAD at any address", `phdr[${empty}].p_vaddr`, 2n ** 64n - 1n],
    ["an empty PT_LOAD with all rights", `phdr[${empty}].p_flags`, 7],
    ["a physical address", `phdr[${text}].p_paddr`, 2n ** 64n - 1n],
    ["any offset where the file holds nothing", `phdr[${bss}].p_offset`, 2n ** 63n + 1n],
    ["a program header of an unknown type", `phdr[${empty}].p_type`, 0x6474e551],
    ["garbage behind a name's terminator", "mft.e[0].name[1]", 0xff],
    ["properties left by the linker", "mft.e[1].u", 2n ** 64n - 1n],
    ["a backing left by the linker", "mft.e[1].b", 2n ** 64n - 1n],
  ])("%s", (_, field, value) => {
    const { manifest, ...rest } = parseImage(withField(built, field, value));
    const { manifest: usualManifest, ...usualRest } = usual;
    expect(rest).toEqual(usualRest);
    expect(manifest.devices).toEqual(usualManifest.devices);
  });

  it("notes of unknown owners and types, or cut off in the owner", () => {
    const notes = ["openbsd", "unknown", "cut", "abi", "unknown", "manifest"] as const;
    expect(parseImage(buildImage({ notes }).file)).toEqual(
      expect.objectContaining({ abi: "spt", abiVersion: 2, segments: parseImage(buildImage().file).segments }),
    );
  });

  it.each([
    ["execute only", 1, { read: false, write: false, execute: true }],
    ["read only", 4, { read: true, write: false, execute: false }],
    ["write only", 2, { read: false, write: true, execute: false }],
    ["none", 0, { read: false, write: false, execute: false }],
  ])("a segment with rights: %s", (_, flags, rights) => {
    const segments = [...USUAL_SEGMENTS, { address: 0x200000, content: new Uint8Array(8), flags }];
    expect(parseImage(buildImage({ segments }).file).segments.at(-1)?.rights).toEqual(rights);
  });
});

describe("minimumMemoryMib", () => {
  it.each([
    [0x180000, 2],
    [0x180001, 3],
    [0x280000, 3],
  ])("adds 512 KiB to an end of 0x%s and rounds up to %i MiB", (endAddress, expected) => {
    expect(minimumMemoryMib({ ...parseImage(buildImage().file), endAddress })).toBe(expected);
  });
});
