import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Architecture } from "../../../src/format/image.ts";
import { parseImage } from "../../../src/format/parse.ts";
import { packet } from "../../../src/monitor/gdb/packet.ts";
import { debugWithGdb } from "../../../src/monitor/gdb/server.ts";
import type { SessionEnd } from "../../../src/monitor/gdb/session.ts";
import { start } from "../../support/command.ts";
import { buildDebugImage } from "../../support/debug-image.ts";
import { RemoteClient, registerAt } from "../../support/gdb.ts";
import { describeWith, program } from "../../support/needs.ts";
import { SEED, seededRandom } from "../../support/random.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { FakeGuest } from "./fake-guest.ts";

const folder = temporaryFolder();
const MEMORY_BYTES = 2 ** 20;
const TEXT = 0x8000;

interface Session {
  readonly port: number;
  readonly end: Promise<SessionEnd>;
  readonly said: readonly string[];
}

const controllers: AbortController[] = [];
afterEach(() => {
  for (const controller of controllers.splice(0)) controller.abort();
});

/** A stub that waits for its client. */
async function serve(guest: FakeGuest): Promise<Session> {
  const controller = new AbortController();
  controllers.push(controller);
  const said: string[] = [];
  let announce = (_: number) => {};
  const port = new Promise<number>((resolve) => {
    announce = resolve;
  });
  const say = (line: string) => {
    said.push(line);
    const match = /localhost:(\d+)/.exec(line);
    if (match !== null) announce(Number(match[1]));
  };
  const end = debugWithGdb({ guest, port: 0, say, abort: controller.signal });
  return { port: await port, end, said };
}

function fake(architecture: Architecture = "x86-64", status = 0): FakeGuest {
  const pc = architecture === "x86-64" ? "rip" : "pc";
  return new FakeGuest(architecture, new Uint8Array(MEMORY_BYTES).fill(0x90), new Map([[pc, BigInt(TEXT)]]), status);
}

async function connected(guest = fake()): Promise<{ session: Session; client: RemoteClient; guest: FakeGuest }> {
  const session = await serve(guest);
  return { session, client: await RemoteClient.connect(session.port), guest };
}

describe("a debugger's client", () => {
  it("reads and writes registers and memory, and sees no breakpoint in it", async () => {
    const { client, guest } = await connected();
    expect(await client.ask("?")).toBe("S05");
    expect(await client.ask("P1=efcdab8967452301")).toBe("OK");
    expect(guest.registers.get("rbx")).toBe(0x0123456789abcdefn);
    expect(registerAt(await client.ask("g"), 1)).toBe(0x0123456789abcdefn);
    expect(await client.ask("p1")).toBe("efcdab8967452301");
    expect(await client.ask("M100,3:0102fe")).toBe("OK");
    expect(await client.ask("m100,4")).toBe("0102fe90");
    expect(await client.ask(`Z0,${(TEXT + 16).toString(16)},1`)).toBe("OK");
    expect(await client.ask("c")).toBe("S05");
    expect(guest.seen).toEqual([(TEXT + 16).toString(16)]);
    expect(guest.pc).toBe(BigInt(TEXT + 16));
    expect(await client.ask(`m${(TEXT + 16).toString(16)},1`)).toBe("90");
    expect(await client.ask("s")).toBe("S05");
    expect(guest.pc).toBe(BigInt(TEXT + 17));
  });

  it("writes all registers at once, those apart that can only be looked at", async () => {
    const { client, guest } = await connected();
    const all = await client.ask("g");
    // 17 of 64 bits, 7 of 32, 8 of 80, 8 of 32, 16 of 128, 1 of 32, 2 of 64.
    expect(all.length).toBe(2 * (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4 + 16 * 16 + 4 + 2 * 8));
    expect(await client.ask(`G${"11".repeat(all.length / 2)}`)).toBe("OK");
    expect(guest.registers.get("r15")).toBe(0x1111111111111111n);
    expect(guest.registers.get("rflags")).toBe(0x11111111n);
    expect(guest.registers.get("gs_base")).toBe(0x1111111111111111n);
    for (const name of ["cs", "st0", "fop", "xmm0", "mxcsr"]) expect(guest.registers.has(name), name).toBe(false);
    expect(await client.ask("P18=1111")).toBe("E01");
    expect(await client.ask(`P28=${"11".repeat(16)}`)).toBe("E01");
  });

  it("hears what kind of breakpoint it was where it knows the words", async () => {
    const { client } = await connected();
    expect(await client.ask("qSupported:swbreak+;hwbreak+")).toContain("swbreak+");
    await client.ask(`Z0,${(TEXT + 4).toString(16)},1`);
    await client.ask(`Z1,${(TEXT + 8).toString(16)},1`);
    expect(await client.ask("c")).toBe("T05swbreak:;");
    await client.ask("s");
    expect(await client.ask("c")).toBe("T05hwbreak:;");
  });

  it("gets an error for what there cannot be, and nothing for what is not known", async () => {
    const { client, session } = await connected();
    const errors = [
      ...["m100000,1", "mfffff,2", "mffffffffffffffff,1", "m0,ffffffff", "m0", "m,", "mx,1", "M0,2:00", "M0,1:zz"],
      ...[
        "M100000,1:00",
        "pffff",
        "p",
        "P0=00",
        "Pffff=0000000000000000",
        "G00",
        "G",
        "Z0,100000,1",
        "Z2,101,2",
        "Z2,0,3",
      ],
      ...["Z0,x,1", "Z0", "z1,zz", "Z2,fffffffffffffff8,8", "qXfer:features:read:target.xml:"],
    ];
    for (const command of errors) expect(await client.ask(command), command).toBe("E01");
    for (const command of [
      "X0,0:",
      "vCont?",
      "Z9,0,1",
      "",
      "constructor",
      "qXfer:memory-map:read::0,1",
      "c100",
      "\0",
    ]) {
      expect(await client.ask(command), command).toBe("");
    }
    expect(await client.ask("k")).toBe("");
    expect(await session.end).toEqual({ type: "killed" });
  });

  it("has as many hardware breaks as there are, each once", async () => {
    const { client } = await connected();
    for (const command of ["Z1,10,1", "Z1,20,1", "Z1,10,1", "Z2,40,4"]) expect(await client.ask(command)).toBe("OK");
    expect(await client.ask("Z1,30,1")).toBe("E01");
    expect(await client.ask("Z3,80,8")).toBe("E01");
    expect(await client.ask("z1,10,1")).toBe("OK");
    expect(await client.ask("Z3,80,8")).toBe("OK");
  });

  it("is told of the guest's end, and may look before where it aborted", async () => {
    const { client, session } = await connected(fake("x86-64", 3));
    expect(await client.ask("c")).toBe("W03");
    expect(await session.end).toEqual({ type: "exit", status: 3 });
    const aborted = await connected(fake("x86-64", 255));
    expect(await aborted.client.ask("c")).toBe("S06");
    expect(await aborted.client.ask("m0,1")).toBe("90");
    expect(await aborted.client.ask("c")).toBe("Wff");
    expect(await aborted.session.end).toEqual({ type: "exit", status: 255 });
  });

  it("leaves, detaches, and comes alone", async () => {
    const { client, session } = await connected();
    await client.ask("?");
    await expect(RemoteClient.connect(session.port)).rejects.toThrow("ECONNREFUSED");
    client.close();
    expect(await session.end).toEqual({ type: "lost" });
    const detached = await connected();
    expect(await detached.client.ask("D")).toBe("OK");
    expect(await detached.session.end).toEqual({ type: "detached" });
  });

  it("sends again what it is asked for again", async () => {
    const { client } = await connected();
    client.sendRaw("$?#00");
    expect(await client.next(/^[+-]/)).toBe("-");
    expect(await client.ask("?")).toBe("S05");
    client.sendRaw("-");
    expect(await client.next(/^\$S05#b8/)).toBe("$S05#b8");
  });

  it(`may send anything: seed ${SEED}`, { timeout: 30_000 }, async () => {
    const random = seededRandom();
    const { client, session } = await connected();
    const letters = "gGpPmMZzXHTqvDkcs?!0123456789abcdef,:;=#$}*\x03+-";
    for (let round = 0; round < 3000; round++) {
      const length = random.integer(0, 24);
      const text = Array.from({ length }, () => letters[random.integer(0, letters.length - 1)]).join("");
      // Neither the end of the session nor of the guest.
      if (/^[kDcsCS]|^vKill/.test(text)) continue;
      client.sendRaw(round % 3 === 0 ? Buffer.from(text, "latin1") : packet(text));
    }
    client.sendRaw("#00");
    client.sendRaw(packet("QStartNoAckMode"));
    client.sendRaw(packet("qC"));
    await client.next(/\$QC1#[0-9a-f]{2}/);
    client.sendRaw(packet("vKill;1"));
    const end = await session.end;
    expect(["killed", "detached", "exit"]).toContain(end.type);
  });
});

const AARCH64_NEEDS = [
  program("gdb-multiarch", "gdb-multiarch"),
  program("aarch64-linux-gnu-gcc", process.arch === "arm64" ? "gcc" : "gcc-aarch64-linux-gnu"),
  program("make", "make"),
];
describeWith(AARCH64_NEEDS, "GDB itself, on AArch64", () => {
  it("breaks, shows registers, memory and callers, steps and ends", { timeout: 60_000 }, async () => {
    const image = buildDebugImage(join(folder, "build"), "protection", "aarch64");
    const memory = new Uint8Array(4 * MEMORY_BYTES);
    for (const { address, content } of parseImage(readFileSync(image.path)).segments) memory.set(content, address);
    const registers = new Map<string, bigint>(
      Array.from({ length: 31 }, (_, number) => [`x${number}`, BigInt(number)] as const),
    );
    registers.set("pc", BigInt(image.symbol("memcmp"))).set("sp", BigInt(memory.length - 64));
    registers.set("x30", BigInt(image.symbol("trap_end") + 8)).set("pstate", 0x3c5n);
    // 1.5 in the low half, as a double.
    registers.set("v8", 0x3ff8_0000_0000_0000n);
    const session = await serve(new FakeGuest("aarch64", memory, registers, 9));
    const commands = [
      `target remote localhost:${session.port}`,
      "break *solo5_console_write",
      "continue",
      "bt",
      'printf "x7=%#lx cpsr=%#x\\n", $x7, $cpsr',
      "set $x7 = 0x1234567890",
      'printf "x7=%#lx\\n", $x7',
      'printf "d8=%g\\n", $d8',
      "x/1wx $sp",
      "stepi",
      'printf "step=%ld\\n", $pc - (long)solo5_console_write',
      "delete",
      "continue",
    ];
    const words = ["-nx", "-batch", ...commands.flatMap((one) => ["-ex", one]), image.path];
    const gdb = start("gdb-multiarch", words);
    const { stdout, stderr } = await gdb.ended;
    expect(stdout, stderr).toMatch(/Breakpoint 1, (0x[0-9a-f]+ in )?solo5_console_write /);
    expect(stdout, stderr).toContain("in trap_end ");
    expect(stdout, stderr).toContain("x7=0x7 cpsr=0x3c5\n");
    expect(stdout, stderr).toContain("x7=0x1234567890\n");
    expect(stdout, stderr).toContain("d8=1.5\n");
    expect(stdout, stderr).toContain("step=4\n");
    expect(stdout, stderr).toContain("exited with code 011");
    expect(await session.end).toEqual({ type: "exit", status: 9 });
  });
});
