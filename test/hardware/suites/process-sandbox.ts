import assert from "node:assert/strict";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { makeGuest } from "../guest/kit-guest.ts";
import { type Outcome, trySystemCalls } from "../guest/system-calls.ts";
import { makeTap } from "../guest/tap.ts";
import { thisHost } from "../guest/this-host.ts";

/** From the kernel's tables: include/uapi/asm-generic/unistd.h for arm64, arch/x86/entry/syscalls/syscall_64.tbl. */
const NUMBERS = {
  arm64: { read: 63, write: 64, pread: 67, pwrite: 68, wait: 22, setTimer: 86, clock: 113, exit: 94 },
  x64: { read: 0, write: 1, pread: 17, pwrite: 18, wait: 281, setTimer: 286, clock: 228, exit: 231 },
}[thisHost().node.architecture === "arm64" ? "arm64" : "x64"];
const LAST_NUMBER = 600;
const EFAULT = 14;

const KILLED: Outcome = { end: "killed" };
const returned = (result: number): Outcome => ({ end: "returned", result });

describe("the sandbox of a guest without devices", () => {
  it("ends a guest by SIGSYS at every system call that is not of the ABI", () => {
    const numbers = Array.from({ length: LAST_NUMBER + 1 }, (_, number) => number);
    const outcomes = trySystemCalls(makeGuest("syscall"), numbers.map(String), []);
    for (const number of numbers) {
      // All arguments are zero: the realtime clock, into no memory; descriptor 0, which no guest owns.
      const expected: Outcome =
        number === NUMBERS.clock ? returned(-EFAULT) : number === NUMBERS.exit ? { end: "exited", status: 0 } : KILLED;
      assert.deepEqual(outcomes[number], expected, `system call ${number}`);
    }
  });
});

describe("the sandbox of a guest with a net and a block device", () => {
  const NET = 3;
  const BLOCK = 4;
  const EPOLL = 5;
  const TIMER = 6;
  const OTHER = 7;
  const CAPACITY = 65536;
  const BEYOND_32_BITS = 2 ** 32;

  /** Runs the probe with its devices, and with one descriptor more that is none of its own. */
  function tryAll(lines: readonly string[]): Outcome[] {
    writeFileSync("/tmp/storage", Buffer.alloc(CAPACITY));
    const descriptors = [makeTap("probe0", "10.9.0.1/24"), openSync("/tmp/storage", "r+"), openSync("/dev/null", "r+")];
    try {
      return trySystemCalls(makeGuest("syscalldevices", { blockCapacityBytes: CAPACITY }), lines, descriptors);
    } finally {
      for (const descriptor of descriptors) closeSync(descriptor);
    }
  }

  const { read, write, pread, pwrite, wait, setTimer, clock, exit } = NUMBERS;
  const descriptorsBut = (...own: number[]) =>
    [-1, 0, 1, 2, NET, BLOCK, EPOLL, TIMER, OTHER, 1023].filter((descriptor) => !own.includes(descriptor));

  it("lets what the ABI needs pass", () => {
    const expected: [string, Outcome][] = [
      [`${write} 1 text 25`, returned(25)],
      [`${pwrite} ${BLOCK} buffer 512 0`, returned(512)],
      [`${pread} ${BLOCK} buffer 512 0`, returned(512)],
      [`${pread} ${BLOCK} buffer 512 512`, returned(512)],
      [`${pread} ${BLOCK} buffer 512 ${CAPACITY - 512}`, returned(512)],
      [`${pwrite} ${BLOCK} buffer 512 ${CAPACITY - 512}`, returned(512)],
      [`${setTimer} ${TIMER} 0 buffer 0`, returned(0)],
      [`${clock} 0 buffer`, returned(0)],
      [`${clock} 1 buffer`, returned(0)],
      [`${exit} 7`, { end: "exited", status: 7 }],
    ];
    const outcomes = tryAll(expected.map(([line]) => line));
    for (const [index, [line, outcome]] of expected.entries()) assert.deepEqual(outcomes[index], outcome, line);
  });

  it("lets the net device and the epoll set pass", () => {
    // What they give depends on what the tap carries just then.
    const lines = [`${read} ${NET} buffer 1514`, `${write} ${NET} buffer 60`, `${wait} ${EPOLL} buffer 2 0 0`];
    for (const [index, outcome] of tryAll(lines).entries()) assert.equal(outcome.end, "returned", lines[index]);
  });

  it("ends a guest that uses another descriptor", () => {
    const lines = [
      ...descriptorsBut(NET).map((descriptor) => `${read} ${descriptor} buffer 64`),
      ...descriptorsBut(1, NET).map((descriptor) => `${write} ${descriptor} buffer 64`),
      ...descriptorsBut(BLOCK).map((descriptor) => `${pread} ${descriptor} buffer 512 0`),
      ...descriptorsBut(BLOCK).map((descriptor) => `${pwrite} ${descriptor} buffer 512 0`),
      ...descriptorsBut(EPOLL).map((descriptor) => `${wait} ${descriptor} buffer 1 0 0`),
      ...descriptorsBut(TIMER).map((descriptor) => `${setTimer} ${descriptor} 0 buffer 0`),
      `${read} ${BEYOND_32_BITS + NET} buffer 64`,
      `${write} ${BEYOND_32_BITS + 1} buffer 64`,
      `${pread} ${BEYOND_32_BITS + BLOCK} buffer 512 0`,
      `${wait} ${BEYOND_32_BITS + EPOLL} buffer 1 0 0`,
    ];
    for (const [index, outcome] of tryAll(lines).entries()) assert.deepEqual(outcome, KILLED, lines[index]);
  });

  it("ends a guest that leaves its block device's blocks", () => {
    const offsets = [1, 511, 513, CAPACITY - 511, CAPACITY - 1, CAPACITY, CAPACITY + 512, BEYOND_32_BITS, -512, -1];
    const sizes = [0, 1, 511, 513, 1024, CAPACITY, BEYOND_32_BITS + 512, -512];
    const lines = [pread, pwrite].flatMap((call) => [
      ...offsets.map((offset) => `${call} ${BLOCK} buffer 512 ${offset}`),
      ...sizes.map((size) => `${call} ${BLOCK} buffer ${size} 0`),
    ]);
    for (const [index, outcome] of tryAll(lines).entries()) assert.deepEqual(outcome, KILLED, lines[index]);
  });

  it("ends a guest that reads another clock, or waits with a signal mask", () => {
    const lines = [
      ...[2, 3, 4, 5, 6, 7, 8, 9, 11, -1, BEYOND_32_BITS, BEYOND_32_BITS + 1].map((id) => `${clock} ${id} buffer`),
      `${wait} ${EPOLL} buffer 1 0 buffer`,
    ];
    for (const [index, outcome] of tryAll(lines).entries()) assert.deepEqual(outcome, KILLED, lines[index]);
  });
});
