import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ARCHITECTURES, type GuestArchitecture, requirementsOf, runNative } from "./guest.ts";
import { describeWith } from "./requirement.ts";

const folder = mkdtempSync(join(tmpdir(), "skiff-native-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const architecture of ARCHITECTURES) {
  describeWith(requirementsOf(architecture), `native programs of ${architecture}`, () => {
    startAndEnd(architecture);
    clocksAndRegisters(architecture);
    memory(architecture);
    output(architecture);
    blocks(architecture);
    systemCalls(architecture);
    protections(architecture);
    options(architecture);
  });
}

function startAndEnd(architecture: GuestArchitecture): void {
  it("hello greets, and repeats its words joined by spaces", () => {
    expect(runNative(architecture, "hello").output).toBe("Hello from a unikernel.\n");
    expect(runNative(architecture, "hello", "one", "two  three")).toMatchObject({
      status: 0,
      output: "Hello from a unikernel.\nCommand line: one two  three\n",
    });
  });

  it.each([0, 1, 7, 254])("status ends with %i", (status) => {
    expect(runNative(architecture, "status", String(status)).status).toBe(status);
  });

  it("status ends with 255 when it gives up", () => {
    expect(runNative(architecture, "status", "abort")).toMatchObject({
      status: 255,
      output: "abort: the program gave up\n",
    });
  });
}

function clocksAndRegisters(architecture: GuestArchitecture): void {
  it("time finds sound clocks, and waits that end at their deadlines", () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    const { status, output } = runNative(architecture, "time", "5", "2000000");
    const after = BigInt(Date.now() + 1) * 1_000_000n;
    expect(status, output).toBe(0);
    const [, wallNs = "0", waitedNs = "0"] = /wall_ns=(\d+) rounds=5 waited_ns=(\d+)/.exec(output) ?? [];
    expect(BigInt(wallNs)).toBeGreaterThanOrEqual(before);
    expect(BigInt(wallNs)).toBeLessThanOrEqual(after);
    expect(Number(waitedNs)).toBeGreaterThanOrEqual(5 * 2_000_000);
  });

  it("fpu computes as this process does", () => {
    let sum = 0;
    for (let i = 0; i < 50_000; i++) sum += (i % 2 === 0 ? 4 : -4) / (2 * i + 1);
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(sum);
    const lanes = [1, 2, 3, 4].map((start) => {
      let lane = start;
      for (let i = 0; i < 50_000; i++) lane = (Math.imul(lane ^ (lane << 5), 0x9e3779b1) + Math.floor(i / 1000)) >>> 0;
      return lane.toString(16).padStart(8, "0");
    });
    const { output } = runNative(architecture, "fpu");
    expect(output).toBe(`fpu: pi=${bits.toString("hex")} lanes=${lanes.join("")}\n`);
  });

  it("tls keeps two threads' variables apart", () => {
    expect(runNative(architecture, "tls")).toMatchObject({ status: 0, output: "tls: ok\n" });
  });
}

function memory(architecture: GuestArchitecture): void {
  it.each([2, 16, 300])("memory reaches to the end of %i MiB", (mib) => {
    const { status, output } = runNative(architecture, "memory", `--mem=${mib}`);
    expect(status, output).toBe(0);
    const [, start = "0", end = "0", words = "0"] = /start=(\w+) end=(\w+) words=(\d+)/.exec(output) ?? [];
    expect(Number(end)).toBe(mib << 20);
    expect(Number(words)).toBe(Math.ceil((Number(end) - Number(start) - 65_536 - 8) / 4096) + 1);
  });
}

function output(architecture: GuestArchitecture): void {
  it.each([
    [1000, 1],
    [100_000, 7],
    [1 << 20, 65_536],
  ])("output writes %i bytes, %i at a time", (bytes, writeBytes) => {
    const lines = Array.from(
      { length: Math.ceil(bytes / 64) },
      (_, number) => `${number.toString(16).padStart(8, "0").padEnd(63, ".")}\n`,
    );
    const written = runNative(architecture, "output", String(bytes), String(writeBytes)).output;
    expect(written === lines.join("").slice(0, bytes)).toBe(true);
  });
}

function blocks(architecture: GuestArchitecture): void {
  it.each([
    [512, 1],
    [512, 100],
    [4096, 33],
  ])("block finds a sound device of blocks of %i bytes, %i of them", (blockBytes, count) => {
    const path = join(folder, "storage");
    writeFileSync(path, "");
    truncateSync(path, blockBytes * count);
    const size = `--block-sector-size:storage=${blockBytes}`;
    const { status, output } = runNative(architecture, "block", size, `--block:storage=${path}`);
    expect(output).toBe(`block: capacity=${blockBytes * count} block_size=${blockBytes}\nblock: ok\n`);
    expect(status).toBe(0);
    expect(statSync(path).size).toBe(blockBytes * count);
    // The last block as block.c fills it in its second round.
    const number = count - 1;
    const last = Buffer.from(Array.from({ length: blockBytes }, (_, index) => (number * 7 + index * 31 + 1) & 0xff));
    expect(readFileSync(path).subarray(-blockBytes).equals(last)).toBe(true);
  });
}

function systemCalls(architecture: GuestArchitecture): void {
  it("syscall makes the call that it is told to make", () => {
    const write = architecture === "x86_64" ? "1" : "64";
    const line = "written by a system call\n";
    const result = runNative(architecture, "syscall", write, "1", "text", String(line.length));
    expect(result.output).toBe(`calling ${write}\n${line}result ${line.length}\n`);
    expect(runNative(architecture, "syscall", write, "-1", "buffer", "0x10").output).toContain("result -9\n");
  });
}

function protections(architecture: GuestArchitecture): void {
  const ends: readonly (readonly [name: string, status: number | null, signal: NodeJS.Signals | null])[] = [
    ["null-read", null, "SIGSEGV"],
    ["null-write", null, "SIGSEGV"],
    ["text-write", null, "SIGSEGV"],
    ["rodata-write", null, "SIGSEGV"],
    ["rodata-execute", null, "SIGSEGV"],
    ["data-execute", null, "SIGSEGV"],
    ["heap-execute", null, "SIGSEGV"],
    ["stack-execute", null, "SIGSEGV"],
    ["unmapped-jump", null, "SIGSEGV"],
    ["memory-end-read", null, "SIGSEGV"],
    ["memory-end-write", null, "SIGSEGV"],
    // Linux lets a process write its own words; only hvt's tender keeps them.
    ["boot-info-write", 1, null],
    ["stack-smash", 255, null],
    ["illegal-instruction", null, "SIGILL"],
  ];

  it("protection has a test here for each of its probes", () => {
    const { output } = runNative(architecture, "protection");
    expect(output.trim().split("\n")).toEqual(ends.map(([name]) => name));
  });

  it.each(ends)("protection %s ends with status %s, signal %s", (name, status, signal) => {
    const outcome = runNative(architecture, "protection", name);
    expect(outcome).toMatchObject({ status, signal });
    expect(outcome.output.split("\n")[0]).toBe(`protection: ${name}`);
  });
}

function options(architecture: GuestArchitecture): void {
  describe("mistakes", () => {
    it.each([
      ["block", [], "device 'storage' is missing: give --block:storage=..."],
      ["block", ["--block:disk=/dev/null"], "--block: this program has no device 'disk' of that kind"],
      ["block", ["--block:storage"], "--block needs NAME=VALUE, not 'storage'"],
      ["block", ["--block:storage=/nonexistent"], "/nonexistent cannot be opened (error 2)"],
      ["hello", ["--mem=x"], "--mem: 'x' is not a number"],
      ["hello", ["--mem=0"], "--mem needs 1 to 1048576 MiB"],
      ["net", ["--net:service=too-long-for-an-interface"], "--net: 'too-long-for-an-interface' cannot be"],
      ["net", ["--net-mac:service=1:2"], "--net-mac needs six bytes in hexadecimal, joined by colons"],
    ])("%s %j says what is wrong", (name, words, line) => {
      const { status, output } = runNative(architecture, name, ...words);
      expect(status).toBe(1);
      expect(output.startsWith(line) && output.indexOf("\n") === output.length - 1, output).toBe(true);
    });

    it("words after -- are the program's own", () => {
      expect(runNative(architecture, "hello", "--mem=16", "--", "--mem=17").output).toContain("line: --mem=17\n");
    });
  });
}
