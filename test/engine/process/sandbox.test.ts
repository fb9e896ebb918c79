import { closeSync, openSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { type Outcome, trySystemCalls } from "../../hardware/guest/system-calls.ts";
import { run } from "../../support/command.ts";
import { buildGuest, hostArchitecture } from "../../support/guest.ts";
import { namespaceOfTests } from "../../support/namespace.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { attachTun } from "../../support/tap.ffi.ts";
import { sparseFile, temporaryFolder } from "../../support/temporary.ts";
import { CALLS } from "./sandbox-model.ts";

const folder = temporaryFolder();
const calls = CALLS[hostArchitecture];
const KILLED: Outcome = { end: "killed" };
const returned = (result: number): Outcome => ({ end: "returned", result });
const NATIVE_PROBE = resolve(import.meta.dirname, "../../../guests/native/x86_64/syscall");
const BEYOND_32_BITS = 2 ** 32;
const EFAULT = 14;

/** Numbers from 0 on; no kernel has 1024 system calls. */
const NUMBERS = Array.from({ length: 1024 }, (_, number) => number);

/**
 * Calls that Linux since 6.14 answers before any filter on x86-64 (kernel/seccomp.c, `seccomp_uprobe_exception`):
 * `uretprobe` and `uprobe`, which only the kernel's own trampolines may make. Elsewhere the first ends in SIGILL, the
 * second gives ENXIO.
 */
const UNFILTERED: ReadonlyMap<string, Outcome> = new Map(
  process.arch === "x64"
    ? [
        ["335", { end: "exited", status: 128 + 4 }],
        ["336", returned(-6)],
      ]
    : [],
);

function expectAll(lines: readonly string[], outcomes: readonly Outcome[], expected: (line: string) => Outcome): void {
  const tried = lines.map((line, index) => ({ line, outcome: outcomes[index] }));
  expect(tried).toEqual(lines.map((line) => ({ line, outcome: expected(line) })));
}

describe("the sandbox of a guest without devices", () => {
  let probe: string;
  beforeAll(() => {
    probe = buildGuest(folder, "syscall");
  });
  const expectKilled = (lines: readonly string[]) => expectAll(lines, trySystemCalls(probe, lines, []), () => KILLED);

  it("kills at every system call that is not of the ABI", () => {
    const lines = NUMBERS.map(String);
    // All arguments are zero: the realtime clock, into no memory; a status of 0.
    const allowed = new Map<string, Outcome>([
      [`${calls.clock_gettime}`, returned(-EFAULT)],
      [`${calls.exit_group}`, { end: "exited", status: 0 }],
    ]);
    const outcomes = trySystemCalls(probe, lines, []);
    for (const [line, outcome] of UNFILTERED) {
      if (isDeepStrictEqual(outcomes[lines.indexOf(line)], outcome)) allowed.set(line, outcome);
    }
    expectAll(lines, outcomes, (line) => allowed.get(line) ?? KILLED);
  });

  it("kills at numbers that are none", () => {
    expectKilled([
      "-1",
      "-100",
      `${2 ** 31 - 1}`,
      `${2 ** 31}`,
      `${2 ** 32 - 1}`,
      "-9223372036854775808",
      `${2 ** 32 + 39}`,
    ]);
    // The kernel itself looks at 32 bits of a number, before the filter does.
    const exit = `${2 ** 32 + calls.exit_group} 5`;
    expect(trySystemCalls(probe, [exit], [])).toEqual([{ end: "exited", status: 5 }]);
  });

  it("kills at other clocks, and at the realtime and the monotonic one does not", () => {
    const clock = (id: number) => `${calls.clock_gettime} ${id} buffer`;
    expectAll([clock(0), clock(1)], trySystemCalls(probe, [clock(0), clock(1)], []), () => returned(0));
    expectKilled([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1, -2, 16, BEYOND_32_BITS, BEYOND_32_BITS + 1].map(clock));
  });

  if (process.arch === "x64") {
    it("kills at every x32 call", () => {
      expectKilled(NUMBERS.map((number) => String(number + 2 ** 30)));
    });

    it("kills at every call by int 0x80", () => {
      // Where the kernel was built without the 32-bit entry, the instruction itself is forbidden.
      const hasEntry = run(NATIVE_PROBE, ["int80", "20"]).stdout.includes("result");
      const lines = NUMBERS.slice(0, 512).map((number) => `int80 ${number}`);
      const outcome: Outcome = hasEntry ? KILLED : { end: "exited", status: 128 + 11 };
      expectAll(lines, trySystemCalls(probe, lines, []), () => outcome);
    });

    it("lets a guest set its thread pointer, and nothing else of the kind", () => {
      const [set, ...others] = [
        "0x1002",
        "0x1001",
        "0x1003",
        "0x1004",
        "0x1011",
        "0x1012",
        "0x100001002",
        "0x3001",
        "0",
      ];
      const line = (code = "") => `${calls.arch_prctl} ${code} buffer`;
      expect(trySystemCalls(probe, [line(set)], [])).toEqual([returned(0)]);
      expectKilled(others.map(line));
    });
  }
});

describeWith([root, program("ip", "iproute2")], "the sandbox of a guest with a net and a block device", () => {
  const [NET, BLOCK, EPOLL, TIMER] = [3, 4, 5, 6];
  const BLOCK_BYTES = 4096;
  /** More than 32 bits, and an odd number of blocks. */
  const CAPACITY = 5 * 2 ** 30 + 3 * BLOCK_BYTES;
  const namespace = namespaceOfTests();
  let probe: string;

  beforeAll(() => {
    namespace.addTap("tap0", "10.0.0.1/24");
    probe = buildGuest(folder, "syscalldevices", {
      net: { service: { tap: NET } },
      block: { storage: { file: BLOCK, blockBytes: BLOCK_BYTES, capacityBytes: CAPACITY } },
    });
  });

  /** Runs the probe with its devices, and with descriptors that are none of its own. */
  function tryAll(lines: readonly string[]): Outcome[] {
    const disk = sparseFile(join(folder, "storage"), CAPACITY);
    const tap = namespace.inside(() => attachTun("tap0"));
    const descriptors = [tap, openSync(disk, "r+"), openSync(disk, "r+"), tap, openSync("/dev/null", "r+")];
    try {
      return namespace.inside(() => trySystemCalls(probe, lines, descriptors));
    } finally {
      for (const descriptor of new Set(descriptors)) closeSync(descriptor);
      rmSync(disk);
    }
  }
  const expectKilled = (lines: readonly string[]) => expectAll(lines, tryAll(lines), () => KILLED);

  /** Every number near the guest's own, and its own with bits that an int does not have. */
  function descriptorsBut(...own: readonly number[]): number[] {
    const small = Array.from({ length: 41 }, (_, descriptor) => descriptor).filter((number) => !own.includes(number));
    return [...small, -1, -100, 1023, 2 ** 31, ...own.flatMap((number) => [number + BEYOND_32_BITS, number + 2 ** 52])];
  }

  it("lets the ABI's calls pass", () => {
    const block = (offset: number) => `BLOCK buffer ${BLOCK_BYTES} ${offset}`.replace("BLOCK", String(BLOCK));
    const offsets = [0, BLOCK_BYTES, BEYOND_32_BITS - BLOCK_BYTES, BEYOND_32_BITS, CAPACITY - BLOCK_BYTES];
    const expected = new Map<string, Outcome>([
      [`${calls.write} 1 text 25`, returned(25)],
      [`${calls.write} ${NET} buffer 60`, returned(60)],
      ...offsets.flatMap((offset): [string, Outcome][] => [
        [`${calls.pread64} ${block(offset)}`, returned(BLOCK_BYTES)],
        [`${calls.pwrite64} ${block(offset)}`, returned(BLOCK_BYTES)],
      ]),
      [`${calls.timerfd_settime} ${TIMER} 0 buffer 0`, returned(0)],
      [`${calls.exit_group} 7`, { end: "exited", status: 7 }],
      [`${calls.exit_group} -1`, { end: "exited", status: 255 }],
    ]);
    const lines = [...expected.keys()];
    expectAll(lines, tryAll(lines), (line) => expected.get(line) ?? KILLED);
  });

  it("lets the guest wait and read, whatever the tap carries just then", () => {
    const lines = [`${calls.read} ${NET} buffer 1514`, `${calls.epoll_pwait} ${EPOLL} buffer 2 0 0`];
    expect(tryAll(lines).map(({ end }) => end)).toEqual(["returned", "returned"]);
  });

  it.each([
    ["reads from", () => descriptorsBut(NET).map((descriptor) => `${calls.read} ${descriptor} buffer 64`)],
    ["writes to", () => descriptorsBut(1, NET).map((descriptor) => `${calls.write} ${descriptor} buffer 64`)],
    ["reads blocks of", () => descriptorsBut(BLOCK).map((fd) => `${calls.pread64} ${fd} buffer ${BLOCK_BYTES} 0`)],
    ["writes blocks of", () => descriptorsBut(BLOCK).map((fd) => `${calls.pwrite64} ${fd} buffer ${BLOCK_BYTES} 0`)],
    ["waits for", () => descriptorsBut(EPOLL).map((descriptor) => `${calls.epoll_pwait} ${descriptor} buffer 1 0 0`)],
    ["sets", () => descriptorsBut(TIMER).map((descriptor) => `${calls.timerfd_settime} ${descriptor} 0 buffer 0`)],
  ])("kills a guest that %s a descriptor that is not the one for it", (_, lines) => {
    expectKilled(lines());
  });

  it("kills a guest that leaves its blocks", () => {
    const offsets = [
      ...[1, 511, 512, BLOCK_BYTES - 1, BLOCK_BYTES + 1, BEYOND_32_BITS + 1, BEYOND_32_BITS + 512].map(String),
      ...[CAPACITY - BLOCK_BYTES + 1, CAPACITY - 1, CAPACITY, CAPACITY + BLOCK_BYTES, CAPACITY + 2 ** 32].map(String),
      ...["0x8000000000000000", "0x8000000000001000", "0x7ffffffffffff000", "0x10000000000000", "-1", "-4096"],
    ];
    const lengths = [0, 1, 511, 512, BLOCK_BYTES - 1, BLOCK_BYTES + 1, 2 * BLOCK_BYTES, BLOCK_BYTES + BEYOND_32_BITS];
    const lines = [calls.pread64, calls.pwrite64].flatMap((call) => [
      ...offsets.map((offset) => `${call} ${BLOCK} buffer ${BLOCK_BYTES} ${offset}`),
      ...[...lengths, -1, -BLOCK_BYTES].map((length) => `${call} ${BLOCK} buffer ${length} 0`),
    ]);
    expectKilled(lines);
  });

  it("kills a guest that would put off signals while it waits", () => {
    const masks = ["buffer", "1", "-1", "0x8000000000000000", "0x100000000"];
    expectKilled(masks.map((mask) => `${calls.epoll_pwait} ${EPOLL} buffer 1 0 ${mask} 8`));
  });
});
