import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import {
  AARCH64_FAULTY,
  AARCH64_GUEST,
  FAULTY_VALUE,
  STATUS,
  STORED,
  X86_64_FAULTY,
  X86_64_GUEST,
} from "../../support/debugged-guest.ts";
import { RemoteClient, registerAt } from "../../support/gdb.ts";
import { hvtImagePath } from "../guest/kvm-guest.ts";
import { thisHost } from "../guest/this-host.ts";

const TENDER = "/skiff/dist/skiff-hvt.cjs";
const IMAGE = "/tmp/debugged.hvt";
const CORES = "/tmp/cores";
const isArm = thisHost().imageArchitecture === "aarch64";
const facts = isArm ? AARCH64_GUEST : X86_64_GUEST;
const hex = (value: number) => value.toString(16);

interface Debugged {
  readonly client: RemoteClient;
  readonly status: Promise<number | null>;
}

const children: ChildProcess[] = [];

/** A guest that stands before its first instruction, and its debugger. */
async function debug(...words: readonly string[]): Promise<Debugged> {
  const child = spawn(process.execPath, [TENDER, "--mem=8", "--gdb", "--gdb-port=0", ...words]);
  children.push(child);
  const status = new Promise<number | null>((resolve) => child.once("close", resolve));
  let said = "";
  const port = await new Promise<number>((resolve, reject) => {
    child.stderr.on("data", (bytes) => {
      said += bytes;
      const match = /localhost:(\d+)/.exec(said);
      if (match !== null) resolve(Number(match[1]));
    });
    status.then((end) => reject(new Error(`ended with ${end}: ${said}`)));
  });
  return { client: await RemoteClient.connect(port), status };
}

async function pc(client: RemoteClient): Promise<number> {
  return Number(registerAt(await client.ask("g"), facts.pc));
}

before(() => {
  assert.equal(spawnSync("ip", ["link", "set", "lo", "up"]).status, 0);
  writeFileSync(IMAGE, facts.image);
  mkdirSync(CORES, { recursive: true });
});
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

describe("a debugger of a guest on KVM", () => {
  it("sees its first instruction, and steps", async () => {
    const { client, status } = await debug(IMAGE);
    assert.equal(await client.ask("?"), "S05");
    assert.equal(await pc(client), facts.entry);
    assert.match(await client.ask("g"), /^[0-9a-f]+$/, "every register is known, floating point too");
    while ((await pc(client)) < facts.store) assert.equal(await client.ask("s"), "S05");
    assert.equal(await pc(client), facts.store);
    assert.equal(Number(registerAt(await client.ask("g"), facts.value)), STORED);
    assert.equal(await client.ask(`m${hex(facts.data)},4`), "00000000");
    assert.equal(await client.ask("s"), "S05");
    assert.equal(await pc(client), facts.add);
    assert.equal(await client.ask(`m${hex(facts.data)},4`), `0${STORED}000000`);
    assert.equal(await client.ask("c"), `W0${STATUS}`);
    assert.equal(await status, STATUS);
  });

  it("interrupts a guest that waits for a long time, and leaves it", async () => {
    const { client, status } = await debug(hvtImagePath("time"), "1", "1000000000000");
    client.sendRaw("$c#63");
    client.sendRaw("\x03");
    assert.equal(await client.next(/\$(S02)#b5/), "S02");
    client.close();
    assert.equal(await status, 1);
  });

  it("may look at a guest that aborted", async () => {
    const { client, status } = await debug(hvtImagePath("status"), "abort");
    assert.equal(await client.ask("c"), "S06");
    assert.match(await client.ask("m100000,10"), /^[0-9a-f]{32}$/);
    assert.equal(await client.ask("c"), "Wff");
    assert.equal(await status, 255);
  });
});

// QEMU's SVM takes int3 for an interrupt of software's, and does not load the debug registers of a guest.
if (isArm) {
  describe("breakpoints and watchpoints of a guest on KVM", () => {
    for (const [type, name] of [
      ["0", "swbreak"],
      ["1", "hwbreak"],
    ] as const) {
      it(`breaks by ${name}, changes registers, and goes on`, async () => {
        const { client, status } = await debug(IMAGE);
        await client.ask("qSupported:swbreak+;hwbreak+");
        const breakpoint = `${type},${hex(facts.add)},${facts.breakpointBytes}`;
        assert.equal(await client.ask(`Z${breakpoint}`), "OK");
        assert.equal(await client.ask("c"), `T05${name}:;`);
        assert.equal(await pc(client), facts.add);
        assert.equal(await client.ask(`z${breakpoint}`), "OK");
        assert.equal(await client.ask(`P${hex(facts.value)}=2900000000000000`), "OK");
        assert.equal(await client.ask("s"), "S05");
        assert.equal(await pc(client), facts.afterAdd);
        assert.equal(Number(registerAt(await client.ask("g"), facts.value)), 42);
        assert.equal(await client.ask("c"), `W0${STATUS}`);
        assert.equal(await status, STATUS);
      });
    }

    it("watches what is written", async () => {
      const { client, status } = await debug(IMAGE);
      const watchpoint = `2,${hex(facts.data)},4`;
      assert.equal(await client.ask(`Z${watchpoint}`), "OK");
      assert.equal(await client.ask("c"), `T05watch:${hex(facts.data)};`);
      // AArch64 stops before the store, x86-64 behind it (Arm ARM, D2.10; Intel SDM volume 3, 17.3.1.2).
      assert.equal(await pc(client), isArm ? facts.store : facts.add);
      assert.equal(await client.ask(`z${watchpoint}`), "OK");
      assert.equal(await client.ask("c"), `W0${STATUS}`);
      assert.equal(await status, STATUS);
    });
  });
}

/** Offset of the registers behind the headers, the note's header with its name, and `struct elf_prstatus`' first fields. */
const REGISTERS_AT = 64 + 2 * 56 + 20 + 112;
/** Places in `struct user_pt_regs` and `struct user_regs_struct`. */
const PC_PLACE = isArm ? 32 : 16;
const VALUE_PLACE = isArm ? 0 : 10;

interface Dumped {
  readonly status: number | null;
  readonly stdout: string;
  readonly core: Buffer;
  readonly register: (place: number) => number;
}

function dump(...words: readonly string[]): Dumped {
  const all = [TENDER, "--mem=8", `--dumpcore=${CORES}`, ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: "utf8" });
  const [name] = readdirSync(CORES);
  assert.ok(name !== undefined, stderr);
  const core = readFileSync(`${CORES}/${name}`);
  rmSync(`${CORES}/${name}`);
  return { status, stdout, core, register: (place) => Number(core.readBigUInt64LE(REGISTERS_AT + 8 * place)) };
}

describe("core dumps of guests on KVM", () => {
  it("hold registers and memory of a guest that tells of its trap", () => {
    const { status, stdout, core, register } = dump(hvtImagePath("protection"), "null-write");
    assert.equal(status, 255);
    const at = register(PC_PLACE);
    assert.ok(stdout.includes(` at 0x${at.toString(16)},`), `${at.toString(16)}: ${stdout}`);
    const memory = core.subarray(core.length - 8 * 2 ** 20);
    const instructions = memory.subarray(at, at + 8);
    const image = readFileSync(hvtImagePath("protection"));
    assert.ok(image.includes(instructions), `${at.toString(16)}: ${instructions.toString("hex")}`);
  });

  it("hold the registers of a guest that has no handlers, not those of Skiff's", () => {
    const faulty = isArm ? AARCH64_FAULTY : X86_64_FAULTY;
    writeFileSync(IMAGE, faulty.image);
    const { status, register } = dump(IMAGE);
    assert.equal(status, 1);
    assert.equal(register(PC_PLACE), faulty.fault);
    assert.equal(register(VALUE_PLACE), FAULTY_VALUE);
  });
});
