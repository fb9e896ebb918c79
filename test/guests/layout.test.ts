import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseImage } from "../../src/format/parse.ts";
import { ARCHITECTURES, filesBelow, GUESTS } from "./guest.ts";

/** The largest pages of a host: AArch64 has 4, 16 and 64 KiB. */
const LARGEST_PAGE_BYTES = 65_536;
/** Alignment of a segment in the file: the smallest page. */
const FILE_ALIGNMENT_BYTES = 4096;
const PT_INTERP = 3;

const files = filesBelow(join(GUESTS, "images"));

/** What `PT_INTERP` names: Linux refuses to start a program whose interpreter it does not find. */
function interpreterOf(file: Buffer): string {
  const tableOffset = Number(file.readBigUInt64LE(32));
  for (let row = 0; row < file.readUInt16LE(56); row++) {
    const at = tableOffset + row * 56;
    if (file.readUInt32LE(at) !== PT_INTERP) continue;
    const offset = Number(file.readBigUInt64LE(at + 8));
    return file.subarray(offset, offset + Number(file.readBigUInt64LE(at + 32)) - 1).toString("latin1");
  }
  return "";
}

describe.each(files)("%s", (path) => {
  const file = readFileSync(join(GUESTS, "images", path));
  const image = parseImage(file);

  it("is of the architecture and interface that its name says", () => {
    const [folder, name = ""] = path.split("/");
    expect(image.architecture).toBe(folder === "x86_64" ? "x86-64" : folder);
    expect(image.abi).toBe(name.split(".").at(-1));
    expect(image.abiVersion).toBe(2);
  });

  it("has text, constants and data, each on 64 KiB pages of its own", () => {
    const rights = image.segments.map(({ rights: { read, write, execute } }) => ({ read, write, execute }));
    expect(rights).toEqual([
      { read: true, write: false, execute: true },
      { read: true, write: false, execute: false },
      { read: true, write: true, execute: false },
    ]);
    const pages = image.segments.flatMap(({ address, memoryBytes }) => {
      const first = Math.floor(address / LARGEST_PAGE_BYTES);
      const count = Math.floor((address + memoryBytes - 1) / LARGEST_PAGE_BYTES) - first + 1;
      return Array.from({ length: count }, (_, index) => first + index);
    });
    expect(new Set(pages).size).toBe(pages.length);
  });

  it("wastes no room in the file, and Linux does not start it by itself", () => {
    const segmentBytes = image.segments.reduce((sum, { content }) => sum + content.length, 0);
    // The headers in front, padding before each segment, and the table of sections behind.
    expect(file.length - segmentBytes).toBeLessThan((image.segments.length + 2) * FILE_ALIGNMENT_BYTES);
    expect(interpreterOf(file)).toBe("/nonexistent/solo5/");
  });
});

describe("the set of guests", () => {
  const namesOf = (pattern: RegExp) =>
    ARCHITECTURES.map((architecture) =>
      files.filter((path) => path.startsWith(`${architecture}/`)).flatMap((path) => pattern.exec(path)?.[1] ?? []),
    );

  it("is the same for both architectures, and each image has its native program", () => {
    for (const pattern of [/\/(.*)\.spt$/, /\/(.*)\.hvt$/]) {
      const [x86 = [], arm = []] = namesOf(pattern);
      expect(x86.length).toBeGreaterThan(0);
      expect(x86).toEqual(arm);
    }
    for (const architecture of ARCHITECTURES) {
      const images = files.flatMap((path) => new RegExp(`^${architecture}/(.*)\\.spt$`).exec(path)?.[1] ?? []);
      // A server's native program is on Linux sockets; NAME-tap is on the image's own stack.
      const programs = filesBelow(join(GUESTS, "native", architecture)).filter((name) => !name.endsWith("-tap"));
      expect(programs.sort()).toEqual(images.sort());
    }
  });

  it("declares as many devices as a manifest holds, in the order of their handles", () => {
    const { manifest } = parseImage(readFileSync(join(GUESTS, "images/x86_64/devices63.spt")));
    expect(manifest.devices.map(({ index }) => index)).toEqual(Array.from({ length: 63 }, (_, index) => index + 1));
    expect(manifest.devices.at(0)).toMatchObject({ name: "block00", type: "block" });
    expect(manifest.devices.at(-1)).toMatchObject({ name: "net30", type: "net" });
  });
});
