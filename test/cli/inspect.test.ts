import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AARCH64, BLOCK, buildImage, HVT, type ImageDescription, NET, X86_64 } from "../format/build-image.ts";
import { bash, skiff } from "./skiff.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skiff-inspect-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function writeImage(name: string, description: ImageDescription): string {
  return write(name, buildImage(description).file);
}

/** What a user's mistake must look like: one line, nothing on standard output, status 1. */
function expectMistake(path: string, line: string): void {
  expect(skiff("inspect", path)).toEqual({ status: 1, stdout: "", stderr: `skiff: ${line}\n` });
}

const DEVICES = [
  { name: "storage", type: BLOCK },
  { name: "net0", type: NET },
];

describe("skiff inspect", () => {
  it("shows an image to people", () => {
    const path = writeImage("echo.spt", { devices: DEVICES });
    expect(skiff("inspect", path)).toEqual({
      status: 0,
      stderr: "",
      stdout: `image         ${path}
architecture  x86-64
abi           spt, version 2
engines       process, on an x86-64 host
entry         0x100020
devices       storage  block  handle 1
              net0     net    handle 2
segments      0x100000  r-x  4660 bytes
              0x102000  rw-  128 bytes
              0x103000  rw-  20496 bytes  all zero
memory        at least 2 MiB: the segments end at 0x109000,
              and Solo5's bindings want 512 KiB above for heap and stack
`,
    });
  });

  it("shows an image to programs", () => {
    const path = writeImage("arm.spt", { machine: AARCH64, devices: DEVICES });
    const { status, stdout, stderr } = skiff("inspect", path, "--json");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      image: path,
      architecture: "aarch64",
      abi: { name: "spt", version: 2 },
      engines: [{ name: "process", host: "aarch64" }],
      entry: 0x100020,
      devices: [
        { handle: 1, name: "storage", type: "block" },
        { handle: 2, name: "net0", type: "net" },
      ],
      segments: [
        { address: 0x100000, memoryBytes: 0x1234, fileBytes: 0x1234, rights: "r-x" },
        { address: 0x102000, memoryBytes: 0x80, fileBytes: 0x80, rights: "rw-" },
        { address: 0x103000, memoryBytes: 0x5010, fileBytes: 0, rights: "rw-" },
      ],
      memory: { endAddress: 0x109000, minimumHeapBytes: 0x80000, minimumMib: 2 },
    });
  });

  it("names all engines that can run it, and where", () => {
    const report = (options: Parameters<typeof writeImage>[1]) =>
      JSON.parse(skiff("inspect", "--json", writeImage("engines.hvt", { abiTarget: HVT, ...options })).stdout).engines;
    expect(report({ machine: AARCH64 })).toEqual([
      { name: "kvm", host: "aarch64" },
      { name: "emulator", host: "x86-64" },
      { name: "emulator", host: "aarch64" },
    ]);
    expect(report({ machine: X86_64 })).toEqual([{ name: "kvm", host: "x86-64" }]);
    const { stdout } = skiff("inspect", writeImage("engines.hvt", { abiTarget: HVT, machine: AARCH64 }));
    expect(stdout).toMatch(/^engines {7}kvm, on an aarch64 host\n {14}emulator, on an x86-64 or aarch64 host$/m);
  });

  it("says so where there is no device and no engine", () => {
    const { status, stdout } = skiff("inspect", writeImage("future.spt", { abiVersion: 9 }));
    expect(status).toBe(0);
    expect(stdout).toContain("abi           spt, version 9\n");
    expect(stdout).toContain("devices       none\n");
    expect(stdout).toMatch(/^engines {7}none: the image wants version 9 of the spt ABI, /m);
  });

  it("gives programs the reason why there is no engine", () => {
    const report: unknown = JSON.parse(skiff("inspect", "--json", writeImage("boat.xen", { abiTarget: 6 })).stdout);
    expect(report).toMatchObject({
      abi: { name: "xen" },
      engines: [],
      noEngineReason: expect.stringContaining("xen ABI"),
    });
  });

  it("ends quietly when nobody reads what it writes", () => {
    const path = writeImage("pipe.hvt", { abiTarget: HVT });
    // The reader of the FIFO is gone before Skiff starts.
    const script = 'mkfifo "$3" && exec 3<>"$3" 4>"$3" 3>&- && exec "$1" dist/skiff.cjs inspect "$2" >&4';
    expect(bash(script, path, join(folder, "unread"))).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("tells of a full disk", () => {
    const path = writeImage("full.hvt", { abiTarget: HVT });
    expect(bash('exec "$1" dist/skiff.cjs inspect "$2" >/dev/full', path)).toEqual({
      status: 1,
      stdout: "",
      stderr: "skiff: standard output could not be written (ENOSPC); free its disk or send it elsewhere\n",
    });
  });
});

describe("skiff inspect refuses, in one line,", () => {
  it("a path where nothing is", () => {
    const path = join(folder, "nothing.spt");
    expectMistake(path, `${path} does not exist; give the path of an image`);
    const below = join(writeImage("file.spt", {}), "image");
    expectMistake(below, `${below} does not exist; give the path of an image`);
  });

  it("a directory", () => {
    const path = join(folder, "directory");
    mkdirSync(path);
    expectMistake(path, `${path} is a directory; give the path of an image in it`);
  });

  it("a device, and a FIFO without waiting for a writer", () => {
    expectMistake("/dev/zero", "/dev/zero is not a regular file; copy the image into one");
    const path = join(folder, "fifo");
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    expectMistake(path, `${path} is not a regular file; copy the image into one`);
  });

  it("a file that its user may not read", () => {
    const path = writeImage("secret.spt", {});
    chmodSync(path, 0);
    // Root reads everything, unless it has lost these capabilities.
    const withoutOverride = "setpriv --bounding-set=-dac_override,-dac_read_search --";
    const drop = process.getuid?.() === 0 ? withoutOverride : "";
    expect(bash(`exec ${drop} "$1" dist/skiff.cjs inspect "$2"`, path)).toEqual({
      status: 1,
      stdout: "",
      stderr: `skiff: ${path} may not be read; give yourself the right (chmod +r)\n`,
    });
  });

  it("a path that is a loop", () => {
    const path = join(folder, "loop");
    expect(spawnSync("ln", ["-s", "loop", path]).status).toBe(0);
    expectMistake(path, `${path} could not be read (ELOOP); give the path of a readable image`);
  });

  it("a file of absurd size, without reading it", () => {
    const path = write("huge.spt", "");
    truncateSync(path, 2 ** 40);
    expectMistake(path, `${path} has ${2 ** 40} bytes; an image has at most ${2 ** 30}`);
  });

  it("a file that is no ELF file", () => {
    const path = write("script.sh", `#!/bin/sh\n${"#".repeat(64)}\n`);
    expectMistake(
      path,
      `${path} is not a usable image: e_ident[EI_MAG0..3] is 23 21 2f 62, expected 7f 45 4c 46 (an ELF file)`,
    );
    const empty = write("empty.spt", "");
    expectMistake(
      empty,
      `${empty} is not a usable image: file size is 0 bytes, expected at least the 64 bytes of an ELF header`,
    );
  });

  it("an ordinary Linux program, with what it lacks", () => {
    const path = writeImage("linux", { notes: ["openbsd"] });
    expectMistake(
      path,
      `${path} is not a usable image: Solo5 ABI1 note is missing, expected one: link the program with Solo5's bindings and a manifest`,
    );
  });

  it("no image, and two", () => {
    for (const args of [[], ["one", "two"]]) {
      const { status, stdout, stderr } = skiff("inspect", ...args);
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).not.toContain("    at ");
    }
  });
});
