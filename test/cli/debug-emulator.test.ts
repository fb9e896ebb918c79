import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Running, run } from "../support/command.ts";
import { buildDebugImage } from "../support/debug-image.ts";
import { AARCH64_FAULTY, FAULTY_VALUE, AARCH64_GUEST as GUEST, STATUS, STORED } from "../support/debugged-guest.ts";
import { RemoteClient, registerAt } from "../support/gdb.ts";
import { kitImagePath } from "../support/guest.ts";
import { untilGuestWaits } from "../support/kvm.ts";
import { describeWith, program } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff } from "./bundled-skiff.ts";

const skiff = bundledSkiff();
const folder = temporaryFolder();
const cores = join(folder, "cores");
const debugged = join(folder, "debugged.hvt");
const image = (name: string) => kitImagePath(name, "hvt", "aarch64");
const hex = (value: number) => value.toString(16);

beforeAll(() => {
  mkdirSync(cores);
  writeFileSync(debugged, GUEST.image);
});

/** A guest that stands before its first instruction. */
async function startDebugged(...words: readonly string[]): Promise<{ readonly guest: Running; readonly port: number }> {
  const guest = skiff.start(["run", "--engine", "emulator", "--mem", "8", "--gdb", "0", ...words]);
  onTestFinished(async () => {
    guest.kill("SIGKILL");
    await guest.ended;
  });
  return { guest, port: Number(/localhost:(\d+)/.exec(await guest.complained(/localhost:\d+/))?.[1]) };
}

async function connect(
  ...words: readonly string[]
): Promise<{ readonly guest: Running; readonly client: RemoteClient }> {
  const { guest, port } = await startDebugged(...words);
  return { guest, client: await RemoteClient.connect(port) };
}

async function pc(client: RemoteClient): Promise<number> {
  return Number(registerAt(await client.ask("g"), GUEST.pc));
}

describe("a debugger of a guest in the emulator", () => {
  it("sees its first instruction, and steps", async () => {
    const { guest, client } = await connect(debugged);
    expect(await client.ask("?")).toBe("S05");
    expect(await pc(client)).toBe(GUEST.entry);
    expect(await client.ask("g"), "every register is known").toMatch(/^[0-9a-f]+$/);
    for (let at = GUEST.entry; at < GUEST.store; at += GUEST.breakpointBytes) {
      expect(await client.ask("s")).toBe("S05");
      expect(await pc(client)).toBe(at + GUEST.breakpointBytes);
    }
    expect(Number(registerAt(await client.ask("g"), GUEST.value))).toBe(STORED);
    expect(await client.ask(`m${hex(GUEST.data)},4`)).toBe("00000000");
    expect(await client.ask("s")).toBe("S05");
    expect(await pc(client)).toBe(GUEST.add);
    expect(await client.ask(`m${hex(GUEST.data)},4`)).toBe(`0${STORED}000000`);
    expect(await client.ask("c")).toBe(`W0${STATUS}`);
    expect((await guest.ended).end).toBe(STATUS);
  });

  it.each([
    ["0", "swbreak"],
    ["1", "hwbreak"],
  ])("breaks (type %s: %s), changes registers, and goes on", async (type, name) => {
    const { guest, client } = await connect(debugged);
    await client.ask("qSupported:swbreak+;hwbreak+");
    const breakpoint = `${type},${hex(GUEST.add)},${GUEST.breakpointBytes}`;
    expect(await client.ask(`Z${breakpoint}`)).toBe("OK");
    expect(await client.ask("c")).toBe(`T05${name}:;`);
    expect(await pc(client)).toBe(GUEST.add);
    const instruction = await client.ask(`m${hex(GUEST.add)},4`);
    expect(await client.ask(`z${breakpoint}`)).toBe("OK");
    expect(await client.ask(`m${hex(GUEST.add)},4`)).toBe(instruction);
    expect(await client.ask(`P${hex(GUEST.value)}=2900000000000000`)).toBe("OK");
    expect(await client.ask("s")).toBe("S05");
    expect(await pc(client)).toBe(GUEST.afterAdd);
    expect(Number(registerAt(await client.ask("g"), GUEST.value))).toBe(42);
    expect(await client.ask("c")).toBe(`W0${STATUS}`);
    expect((await guest.ended).end).toBe(STATUS);
  });

  it("is told that nothing watches data", async () => {
    const { client } = await connect(debugged);
    expect(await client.ask(`Z2,${hex(GUEST.data)},4`)).toBe("E01");
    expect(await client.ask("c")).toBe(`W0${STATUS}`);
  });

  it("interrupts a guest that waits, and one that computes", async () => {
    const waiting = await connect(image("time"), "1", "1000000000000");
    waiting.client.sendRaw("$c#63");
    await untilGuestWaits(waiting.guest.pid);
    waiting.client.sendRaw("\x03");
    expect(await waiting.client.next(/\$(S02)#b5/)).toBe("S02");
    const computing = await connect(image("output"), "1000000000");
    for (let round = 0; round < 3; round++) {
      computing.client.sendRaw("$c#63");
      await computing.guest.printed(new RegExp(`^(.*\\n){${round + 1}}`));
      computing.client.sendRaw("\x03");
      expect(await computing.client.next(/\$(S02)#b5/)).toBe("S02");
      computing.client.sendRaw("+");
    }
    expect(await computing.client.ask("vKill;1")).toBe("OK");
    expect((await computing.guest.ended).end).toBe(1);
  });

  it("may look at a guest that aborted", async () => {
    const { guest, client } = await connect(image("status"), "abort");
    expect(await client.ask("c")).toBe("S06");
    expect(await client.ask("m100000,10")).toMatch(/^[0-9a-f]{32}$/);
    expect(await client.ask("c")).toBe("Wff");
    expect((await guest.ended).end).toBe(255);
  });

  it("steps through a whole program, by every kind of branch, hypercall and trap", async () => {
    const { client } = await connect(image("protection"), "null-write");
    const LIMIT = 20_000;
    let reply = "";
    let steps = 0;
    for (; steps < LIMIT; steps++) {
      reply = await client.ask("s");
      if (reply !== "S05") break;
    }
    expect(reply, `after ${steps} steps`).toBe("S06");
    expect(steps).toBeGreaterThan(1000);
  });
});

const GDB = [
  program("gdb-multiarch", "gdb-multiarch"),
  program("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
  program("make", "make"),
];

describeWith(GDB, "GDB and a guest in the emulator", () => {
  const gdb = (commands: readonly string[], ...files: readonly string[]) =>
    run("gdb-multiarch", ["-nx", "-batch", ...commands.flatMap((one) => ["-ex", one]), ...files]);

  it("breaks, shows callers, steps and sees the guest's end", async () => {
    const { path } = buildDebugImage(join(folder, "build"), "protection", "aarch64");
    const { guest, port } = await startDebugged(path, "null-write");
    const { stdout, stderr } = gdb(
      [
        `target remote localhost:${port}`,
        "break write_null",
        "continue",
        "bt",
        "stepi",
        "delete",
        "hbreak trap_end",
        "continue",
        "continue",
        "continue",
      ],
      path,
    );
    expect(stdout, stderr).toMatch(/Breakpoint 1, write_null/);
    expect(stdout, stderr).toMatch(/#1 .* solo5_app_main/);
    expect(stdout, stderr).toMatch(/Breakpoint 2, trap_end/);
    expect(stdout, stderr).toContain("Program received signal SIGABRT");
    expect(stdout, stderr).toContain("exited with code 0377");
    const ended = await guest.ended;
    expect([ended.end, ended.stdout]).toEqual([255, expect.stringContaining("trap: ")]);
  });

  it("shows by a core dump where the guest met a fault that it has no handler for", () => {
    const faulty = join(folder, "faulty.hvt");
    writeFileSync(faulty, AARCH64_FAULTY.image);
    const words = ["run", "--engine", "emulator", "--mem", "8", "--core", cores, faulty];
    expect(skiff.run(words).end).toBe(1);
    const [core = ""] = readdirSync(cores);
    const { stdout } = gdb(
      [`printf "pc=%#lx value=%#lx\\n", $pc, $${AARCH64_FAULTY.valueName}`],
      "-c",
      join(cores, core),
    );
    rmSync(join(cores, core));
    expect(stdout).toContain("SIGSEGV");
    expect(stdout).toContain(`pc=0x${hex(AARCH64_FAULTY.fault)} value=0x${hex(FAULTY_VALUE)}\n`);
  });

  it("shows by a core dump what the guest's own handler found", () => {
    const words = ["run", "--engine", "emulator", "--mem", "8", "--core", cores, image("protection"), "null-write"];
    const { end, stdout: said } = skiff.run(words);
    const [, at] = /^trap: data abort .* at (0x[0-9a-f]+), address 0x0$/m.exec(said) ?? [];
    expect([end, at]).toEqual([255, expect.any(String)]);
    const [core = ""] = readdirSync(cores);
    const command = 'printf "pc=%#lx sp=%#lx frame=%#lx value=%#lx\\n", $pc, $sp, $x29, *(long *)$sp';
    const { stdout } = gdb([command], "-c", join(cores, core));
    rmSync(join(cores, core));
    expect(stdout).toContain("SIGABRT");
    const [, pc, sp, frame, value] = /pc=(\S+) sp=(\S+) frame=(\S+) value=(\S+)/.exec(stdout) ?? [];
    // A function that keeps its frame's address at its stack's end: the handler's stack is elsewhere.
    expect([pc, sp]).toEqual([at, frame]);
    expect(Number(value)).toBeGreaterThan(Number(sp));
    expect(Number(value)).toBeLessThanOrEqual(8 * 2 ** 20);
  });
});
