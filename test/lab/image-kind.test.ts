import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { imageKind } from "../../src/lab/image-kind.ts";
import { UsageError } from "../../src/monitor/error.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder();
const SECTOR_BYTES = 512;

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function sector(texts: Readonly<Record<number, string>>): Buffer {
  const bytes = Buffer.alloc(2 * SECTOR_BYTES);
  for (const [offset, text] of Object.entries(texts)) bytes.write(text, Number(offset), "latin1");
  return bytes;
}

describe("a file given as --image", () => {
  it("is an image of Solo5's by its notes", () => {
    const found = imageKind("guests/images/x86_64/net.spt");
    expect(found).toMatchObject({ kind: "solo5", image: { abi: "spt", manifest: { devices: [{ type: "net" }] } } });
  });

  it("is a kernel where it is an ELF executable without them, or a Linux kernel", () => {
    expect(imageKind("guests/native/x86_64/hello")).toEqual({ kind: "kernel" });
    expect(imageKind(file("bzimage", sector({ 510: "\u0055\u00aa", 514: "HdrS" })))).toEqual({ kind: "kernel" });
    expect(imageKind(file("arm-image", sector({ 56: "ARM\u0064" })))).toEqual({ kind: "kernel" });
  });

  it("is a disk by its format or its boot sector", () => {
    expect(imageKind(file("disk.qcow2", sector({ 0: "QFI\u00fb" })))).toEqual({ kind: "disk", format: "qcow2" });
    expect(imageKind(file("disk.raw", sector({ 510: "\u0055\u00aa" })))).toEqual({ kind: "disk", format: "raw" });
  });

  it("is refused in one line where it is nothing of that, broken, or not there", () => {
    const broken = readFileSync("guests/images/x86_64/hello.spt").fill(0xff, 0x20, 0x30);
    mkdirSync(join(folder, "a-folder"));
    for (const [path, reason] of [
      [file("empty", Buffer.alloc(0)), /this is no ELF file/],
      [file("text", Buffer.from("hello")), /this is no ELF file/],
      [file("broken", broken), /is not a usable image/],
      [join(folder, "absent"), /cannot be read/],
      [join(folder, "a-folder"), /cannot be read/],
    ] as const) {
      expect(() => imageKind(path)).toThrow(UsageError);
      expect(() => imageKind(path)).toThrow(reason);
      expect(() => imageKind(path)).not.toThrow(/\n/);
    }
  });
});
