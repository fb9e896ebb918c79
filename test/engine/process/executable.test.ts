import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type ExecutablePlan,
  HOST_PAGE_BYTES,
  largestPageBytes,
  makeExecutable,
} from "../../../src/engine/process/executable.ts";
import { ImageError } from "../../../src/format/error.ts";
import type { Architecture, Image } from "../../../src/format/image.ts";
import { parseImage } from "../../../src/format/parse.ts";
import { AARCH64, BLOCK, buildImage, R, RW, RX, type SegmentDescription, X86_64 } from "../../format/build-image.ts";
import { run, shell } from "../../support/command.ts";
import { PT_GNU_STACK, PT_LOAD, readExecutable } from "../../support/elf-reader.ts";
import { writeExecutable } from "../../support/guest.ts";
import { exitImage } from "../../support/small-image.ts";
import { sparseFile, temporaryFolder } from "../../support/temporary.ts";

const folder = temporaryFolder();
const MEMORY_BYTES = 16 * 2 ** 20;

function plan(image: Image, pageBytes: number, changes: Partial<ExecutablePlan> = {}): ExecutablePlan {
  const names = { processName: "guest", speaker: "skiff" };
  return {
    image,
    memoryBytes: MEMORY_BYTES,
    block: [],
    net: [],
    pageBytes,
    ...names,
    executableHeap: false,
    ...changes,
  };
}

/** The whole file, with zeros between its pieces. */
function contentOf({ sizeBytes, pieces }: ReturnType<typeof makeExecutable>): Uint8Array {
  const file = new Uint8Array(sizeBytes);
  let end = 0;
  for (const { offset, bytes } of pieces) {
    expect(offset).toBeGreaterThanOrEqual(end);
    file.set(bytes, offset);
    end = offset + bytes.length;
  }
  return file;
}

/**
 * Text, constants, data with zeroed memory behind, and memory that is all zero; no two in one page of that size, and
 * some that begin inside a page.
 */
function segmentsAt(pageBytes: number): SegmentDescription[] {
  const content = (size: number, first: number) =>
    Uint8Array.from({ length: size }, (_, index) => (first + index) & 0xff);
  const page = (number: number) => 0x100000 + pageBytes * Math.ceil((0x1000 * number) / pageBytes);
  const inside = pageBytes === 4096 ? 0 : 0x3000;
  return [
    { address: page(0), content: content(0x1234, 1), flags: RX },
    { address: page(4) + inside, content: content(0x80, 7), memoryBytes: 0x900, flags: R },
    { address: page(24) + inside, content: content(0x1001, 9), memoryBytes: 0x5432, flags: RW },
    { address: page(64), content: content(0, 0), memoryBytes: 0x5010, flags: RW },
  ];
}

const PAGE_SIZES = [4096, 16384, 65536] as const;
const ARCHITECTURES = [
  ["x86-64", X86_64],
  ["aarch64", AARCH64],
] as const satisfies [Architecture, number][];

describe.each(ARCHITECTURES)("an executable for %s", (_, machine) => {
  it.each(PAGE_SIZES)("has each part in pages of its own, of %i bytes", (pageBytes) => {
    const segments = segmentsAt(pageBytes);
    const image = parseImage(buildImage({ machine, segments }).file);
    const file = contentOf(makeExecutable(plan(image, pageBytes)));
    const executable = readExecutable(file);
    expect(executable.type).toBe(2);
    expect(executable.machine).toBe(machine);

    const loaded = executable.parts.filter(({ type }) => type === PT_LOAD);
    let filePage = Math.ceil(executable.headersEnd / pageBytes);
    // Below the image lies what start code maps.
    let memoryPage = 0x20000 / pageBytes;
    for (const part of loaded) {
      expect(part.alignBytes).toBe(pageBytes);
      expect(part.offset % pageBytes).toBe(part.address % pageBytes);
      expect(part.flags & 3, "writable and executable").not.toBe(3);
      expect(part.fileBytes).toBeLessThanOrEqual(part.memoryBytes);
      // The kernel clears the rest of a page only where it may write.
      if ((part.flags & 2) === 0) expect(part.fileBytes).toBe(part.memoryBytes);
      expect(Math.floor(part.address / pageBytes), "pages in memory").toBeGreaterThanOrEqual(memoryPage);
      memoryPage = Math.ceil((part.address + part.memoryBytes) / pageBytes);
      if (part.fileBytes === 0) continue;
      expect(Math.floor(part.offset / pageBytes), "pages in the file").toBeGreaterThanOrEqual(filePage);
      filePage = Math.ceil((part.offset + part.fileBytes) / pageBytes);
      expect(part.offset + part.fileBytes).toBeLessThanOrEqual(file.length);
    }
    const start = loaded.find(({ address, memoryBytes }) => {
      return executable.entry >= address && executable.entry < address + memoryBytes;
    });
    expect(start?.flags).toBe(RX);
    expect(start?.address).toBe(2 ** 38);
    const stack = executable.parts.filter(({ type }) => type === PT_GNU_STACK);
    expect(stack.map(({ flags }) => flags)).toEqual([RW]);
    expect(executable.parts.length).toBe(loaded.length + 1);
  });

  it.each(PAGE_SIZES)("shows the image's segments as they are, by pages of %i bytes", (pageBytes) => {
    const segments = segmentsAt(pageBytes);
    const image = parseImage(buildImage({ machine, segments }).file);
    const file = contentOf(makeExecutable(plan(image, pageBytes)));
    const { parts } = readExecutable(file);
    for (const { address, content, memoryBytes = content.length, flags } of segments) {
      const part = parts.find((candidate) => candidate.address === address);
      // Start code maps the zeros beyond the pages that the file covers.
      const coveredBytes = Math.ceil((address + content.length) / pageBytes) * pageBytes - address;
      const mappedBytes = (flags & 2) === 0 ? memoryBytes : Math.min(memoryBytes, coveredBytes);
      if (mappedBytes === 0) expect(part).toBeUndefined();
      else expect(part).toMatchObject({ memoryBytes: mappedBytes, flags });
      const { offset = 0, fileBytes = 0 } = part ?? {};
      const expected = new Uint8Array(fileBytes);
      expected.set(content);
      expect(Buffer.from(file.subarray(offset, offset + fileBytes)).equals(expected)).toBe(true);
      // What the mapping's first and last page show beside the part must be nothing of the file's other parts.
      const page = file.subarray(
        offset - (offset % pageBytes),
        Math.ceil((offset + fileBytes) / pageBytes) * pageBytes,
      );
      const around = [...page.subarray(0, offset % pageBytes), ...page.subarray((offset % pageBytes) + fileBytes)];
      if (fileBytes > 0) expect(around.every((byte) => byte === 0)).toBe(true);
    }
  });
});

describe("the host's pages", () => {
  const image = (address: number, textBytes: number) =>
    exitImage({ segments: [{ address, content: new Uint8Array(8), flags: RW }], textBytes });

  it.each([
    ["64 KiB", 0x110000, 0x10000, 65536],
    ["16 KiB, where the text runs over a larger page's end", 0x114000, 0x10001, 16384],
    ["16 KiB", 0x104000, 0x4000, 16384],
    ["4 KiB, where the text runs over a larger page's end", 0x105000, 0x4001, 4096],
    ["4 KiB", 0x101000, 0x1000, 4096],
  ])("may have at most %s", (_, address, textBytes, expected) => {
    expect(largestPageBytes(image(address, textBytes), 4096)).toBe(expected);
  });

  it("are refused where one would need the rights of two segments", () => {
    const shared = image(0x101000, 0x1000);
    const refusal = (pageKib: number) =>
      new ImageError(
        "phdr[2].p_vaddr",
        "0x101000",
        `a page of its own: this host's pages are ${pageKib} KiB, and one would need the rights of two segments; link the image with -z max-page-size=${pageKib * 1024}`,
      );
    expect(() => largestPageBytes(shared, 16384)).toThrow(refusal(16));
    expect(() => largestPageBytes(shared, 65536)).toThrow(refusal(64));
    expect(largestPageBytes(image(0x104000, 0x4000), 16384)).toBe(16384);
    expect(() => largestPageBytes(image(0x104000, 0x4000), 65536)).toThrow(
      refusal(64).message.replace("0x101000", "0x104000"),
    );
  });

  it("leave the heap pages of its own behind a last segment that may not be written", () => {
    const readOnlyLast = (memoryBytes: number, alignBytes = 4096) =>
      exitImage({ segments: [{ address: 0x110000, memoryBytes, content: new Uint8Array(8), flags: R, alignBytes }] });
    expect(largestPageBytes(readOnlyLast(0x10000), 65536)).toBe(65536);
    expect(largestPageBytes(readOnlyLast(0x4000), 4096)).toBe(16384);
    expect(largestPageBytes(readOnlyLast(8), 4096)).toBe(4096);
    expect(largestPageBytes(readOnlyLast(8, 65536), 65536)).toBe(65536);
    expect(() => largestPageBytes(readOnlyLast(8), 16384)).toThrow(
      "this host's pages are 16 KiB, and one would need the rights of a segment and of the heap",
    );
  });

  it("are looked for from the largest that Linux has", () => {
    expect(HOST_PAGE_BYTES).toEqual([65536, 16384, 4096]);
  });

  it.each(PAGE_SIZES)("of %i bytes at most: such an executable runs here", (pageBytes) => {
    const path = join(folder, `exit-${pageBytes}`);
    const step = pageBytes;
    const segments = segmentsAt(step).slice(1);
    writeExecutable(path, makeExecutable(plan(exitImage({ segments }), pageBytes)));
    expect(run(path)).toEqual({ end: 42, stdout: "", stderr: "" });
  });
});

describe("an image's zeros", () => {
  const zeros = { address: 0x110000, content: new Uint8Array(8), memoryBytes: 2 ** 28, flags: RW };
  const path = join(folder, "zeros");

  it("are refused with a line where the host has no memory for them", () => {
    const image = exitImage({ segments: [zeros] });
    writeExecutable(path, makeExecutable(plan(image, 4096, { memoryBytes: 2 ** 29 })));
    expect(run(path)).toEqual({ end: 42, stdout: "", stderr: "" });
    expect(shell('ulimit -v 131072; exec "$0"', [path])).toEqual({
      end: 1,
      stdout: "",
      stderr: "skiff: 512 MiB of guest memory cannot be had; free some, or give the guest less by --mem\n",
    });
  });
});

describe("63 devices", () => {
  it("fit an executable that the kernel runs, with a filter for each of them", () => {
    const devices = Array.from({ length: 63 }, (_, index) => ({ name: `d${index}`, type: BLOCK }));
    const block = devices.map(({ name }, index) => ({
      ...{ name, index: index + 1, descriptor: 3 + index, blockBytes: 512, capacityBytes: 512 },
    }));
    const path = join(folder, "exit-63");
    writeExecutable(path, makeExecutable(plan(exitImage({ devices }), 4096, { block })));
    const disk = sparseFile(join(folder, "disk"), 512);
    const descriptors = devices.map(() => openSync(disk, "r+"));
    try {
      expect(run(path, [], { descriptors })).toEqual({ end: 42, stdout: "", stderr: "" });
      expect(run(path, [], { descriptors: descriptors.slice(0, 62) })).toEqual({
        end: 1,
        stdout: "",
        stderr: "skiff: block device 'd62' (descriptor 65) must be open and hold 512 bytes, as at build\n",
      });
    } finally {
      for (const descriptor of descriptors) closeSync(descriptor);
    }
  });
});
