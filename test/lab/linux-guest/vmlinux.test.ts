import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { SampleError } from "../../../src/lab/lack.ts";
import { findGuestKernel } from "../../../src/lab/linux-guest/kernel.ts";
import { readVmlinux } from "../../../src/lab/linux-guest/vmlinux.ts";
import { describeWith, program } from "../../support/needs.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { guestKernel } from "../target/trial.ts";

const folder = temporaryFolder();
const SETUP_SECTORS = 3;
const KERNEL = Buffer.concat([Buffer.from("\u007fELF", "latin1"), Buffer.alloc(5000, "kernel ")]);

/** A bzImage with the payload behind its setup, 16 bytes into what follows. */
function bzImage(name: string, payload: Uint8Array): string {
  const setup = Buffer.alloc((SETUP_SECTORS + 1) * 512 + 16);
  setup[0x1f1] = SETUP_SECTORS;
  setup.write("HdrS", 0x202);
  setup.writeUInt32LE(16, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([setup, payload, Buffer.alloc(100, 0xee)]));
  return path;
}

function sizeOf(bytes: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  return size;
}

describe("the kernel in a boot loader's file", () => {
  it("is unpacked from gzip, whose own end is its size", () => {
    expect(readVmlinux(bzImage("gzip", gzipSync(KERNEL)))).toEqual(KERNEL);
  });

  it("is unpacked from xz, behind which its size stands", () => {
    const { stdout } = spawnSync("xz", ["-c"], { input: KERNEL });
    expect(readVmlinux(bzImage("xz", Buffer.concat([stdout, sizeOf(KERNEL)])))).toEqual(KERNEL);
  });

  it("is given as it is where it is no bzImage", () => {
    const path = join(folder, "image");
    writeFileSync(path, KERNEL);
    expect(readVmlinux(path)).toEqual(KERNEL);
    writeFileSync(path, gzipSync(KERNEL));
    expect(readVmlinux(path)).toEqual(KERNEL);
  });

  it("is refused where it is packed otherwise, or not whole", () => {
    expect(() => readVmlinux(bzImage("other", Buffer.alloc(100)))).toThrow(SampleError);
    expect(() => readVmlinux(bzImage("other", Buffer.alloc(100)))).toThrow("is packed in a way that is not known");
    const half = gzipSync(KERNEL).subarray(0, -12);
    expect(() => readVmlinux(bzImage("half", half))).toThrow("gzip does not unpack the whole of");
  });
});

describeWith([guestKernel, program("lz4", "lz4")], "this host's kernel for guests", () => {
  it("is unpacked to an ELF file", () => {
    const kernel = readVmlinux(findGuestKernel()?.path ?? "");
    const isElf = kernel.toString("latin1", 0, 4) === "\u007fELF";
    expect(isElf || process.arch === "arm64").toBe(true);
  });
});
