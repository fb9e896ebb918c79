import { constants } from "node:os";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Running, run, shell, start } from "../../support/command.ts";
import { buildGuest } from "../../support/guest.ts";
import { memoryHolds, readProcess, untilWaiting } from "../../support/process-state.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const folder = temporaryFolder();
const MIB = 2 ** 20;

describe("a guest's protections", () => {
  let guest: string;
  beforeAll(() => {
    guest = buildGuest(folder, "protection");
  });
  const SURVIVES: ReadonlyMap<string, number | string> = new Map<string, number | string>([
    // The ABI gives boot information and command line in writable pages.
    ["boot-info-write", 1],
    ["stack-smash", 255],
    ["illegal-instruction", "SIGILL"],
  ]);

  it("end it by SIGSEGV where it breaks one", () => {
    const names = run(guest).stdout.trim().split("\n");
    expect(names).toContain("memory-end-write");
    const ends = names.map((name) => [name, run(guest, [name]).end]);
    expect(ends).toEqual(names.map((name) => [name, SURVIVES.get(name) ?? "SIGSEGV"]));
  });

  it("let it execute its heap and stack where that was asked for, and nothing else", () => {
    const executable = buildGuest(folder, "protection", { executableHeap: true });
    const ends = ["heap-execute", "stack-execute", "data-execute", "rodata-execute"].map(
      (name) => run(executable, [name]).end,
    );
    expect(ends).toEqual([1, 1, "SIGSEGV", "SIGSEGV"]);
    expect(run(executable, ["heap-execute"]).stdout).toContain("heap-execute survived");
  });
});

describe("a guest's end", () => {
  let status: string;
  beforeAll(() => {
    status = buildGuest(folder, "status");
  });

  it("is its own status, from 0 to 255", () => {
    const all = Array.from({ length: 256 }, (_, number) => number);
    expect(all.map((number) => run(status, [String(number)]).end)).toEqual(all);
    // A status has eight bits.
    expect(run(status, ["256"]).end).toBe(0);
    expect(run(status, ["abort"]).end).toBe(255);
  });

  it("is SIGPIPE where the reader of its output has left", () => {
    const output = buildGuest(folder, "output");
    const script = '"$0" 100000000 4096 | head -c 64 >/dev/null; echo $PIPESTATUS';
    expect(shell(script, [output]).stdout).toBe(`${128 + constants.signals.SIGPIPE}\n`);
  });

  it("comes with all its output, whatever the sizes of its writes", () => {
    const output = buildGuest(folder, "output");
    for (const [bytes, writeBytes] of [
      [1 << 20, 65536],
      [100_000, 1],
      [3 * 65536 + 7, 4095],
    ]) {
      const { end, stdout } = run(output, [String(bytes), String(writeBytes)]);
      const lines = Array.from({ length: Math.ceil((bytes ?? 0) / 64) }, (_, number) => {
        return `${number.toString(16).padStart(8, "0").padEnd(63, ".")}\n`;
      });
      expect(end).toBe(0);
      expect(stdout === lines.join("").slice(0, bytes)).toBe(true);
    }
  });
});

describe("a guest that waits", () => {
  const MEMORY_MIB = 24;
  const SECRET = "correct horse battery staple";
  const WAIT = ["1", "3600000000000", "some", "words"];
  const running: Running[] = [];
  let time: string;

  beforeAll(() => {
    time = buildGuest(folder, "time", { memoryMib: MEMORY_MIB });
  });
  afterEach(async () => {
    for (const guest of running.splice(0)) {
      guest.kill("SIGKILL");
      await guest.ended;
    }
  });

  /** Starts it, and goes on once it waits. */
  async function startWaiting(program: string, words: readonly string[]): Promise<Running> {
    const guest = start(program, words, { env: { SECRET } });
    running.push(guest);
    await untilWaiting(guest.pid);
    return guest;
  }

  it("has its own memory, the start code and the kernel's clock pages, and nothing else", async () => {
    const { pid } = await startWaiting(time, WAIT);
    const { mappings } = readProcess(pid);
    const guests = mappings.filter(({ start: address }) => address < 2 ** 38);
    expect(guests.at(0)).toMatchObject({ start: 0x10000, end: 0x20000, rights: "rw-p" });
    expect(guests.at(-1)).toMatchObject({ end: MEMORY_MIB * MIB, rights: "rw-p" });
    expect(guests.filter(({ rights }) => /w.x/.test(rights))).toEqual([]);
    const others = mappings.filter(({ start: address }) => address >= 2 ** 38);
    const [code, ...kernels] = others;
    expect(code).toMatchObject({ start: 2 ** 38, rights: "r-xp", name: time });
    expect(kernels.filter(({ name }) => !/^\[(vvar|vvar_vclock|vdso|vsyscall)\]$/.test(name))).toEqual([]);
  });

  it("keeps nothing of the environment", async () => {
    const { pid } = await startWaiting(time, WAIT);
    expect(readProcess(pid).environment).toBe("");
    expect(memoryHolds(pid, "some words")).toBe(true);
    expect(memoryHolds(pid, SECRET)).toBe(false);
    expect(memoryHolds(pid, time)).toBe(false);
  });

  it("has only its own descriptors, whatever it inherits", async () => {
    const { pid } = await startWaiting("bash", [
      "-c",
      'exec "$@" 7</dev/null 9</dev/null 250</dev/null',
      time,
      time,
      ...WAIT,
    ]);
    const { descriptors } = readProcess(pid);
    const targets = [...descriptors].slice(3).map(([number, { target }]) => [number, target]);
    expect(targets).toEqual([
      [3, "anon_inode:[eventpoll]"],
      [4, "anon_inode:[timerfd]"],
    ]);
    expect([...descriptors.keys()].slice(0, 3)).toEqual([0, 1, 2]);
  });

  it("can gain no rights, takes every signal as usual, and shows its command line", async () => {
    const { pid } = await startWaiting(time, WAIT);
    const { status, words, name } = readProcess(pid);
    expect(status.get("NoNewPrivs")).toBe("1");
    // Filter mode.
    expect(status.get("Seccomp")).toBe("2");
    for (const field of ["SigBlk", "SigIgn", "SigCgt"]) expect(status.get(field)).toBe("0".repeat(16));
    expect(name).toBe("time");
    expect(words).toEqual(["time", WAIT.join(" ")]);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGALRM", "SIGKILL"] as const)(
    "is ended by %s",
    async (signal) => {
      const guest = await startWaiting(time, WAIT);
      guest.kill(signal);
      expect((await guest.ended).end).toBe(signal);
    },
  );
});

describe("a guest's memory", () => {
  it.each([2, 2.0625, 3, 64, 2048])("of %d MiB ends exactly there, and can all be written", (memoryMib) => {
    const guest = buildGuest(folder, "memory", { memoryMib });
    const { end, stdout } = run(guest, ["65536"]);
    expect(end).toBe(0);
    expect(stdout).toContain(` end=0x${(memoryMib * MIB).toString(16)} `);
  });
});
