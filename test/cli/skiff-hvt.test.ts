import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { HVT_ABI_VERSION } from "../../src/abi/hvt.ts";
import { kvmEmulates } from "../../src/monitor/kvm-machine.ts";
import { AARCH64, buildImage, HVT, X86_64 } from "../format/build-image.ts";
import { type Ended, run, start } from "../support/command.ts";
import { buildDebugImage } from "../support/debug-image.ts";
import {
  AARCH64_FAULTY,
  AARCH64_GUEST,
  FAULTY_VALUE,
  STATUS,
  STORED,
  X86_64_FAULTY,
  X86_64_GUEST,
} from "../support/debugged-guest.ts";
import { RemoteClient } from "../support/gdb.ts";
import { hostArchitecture, kitImagePath } from "../support/guest.ts";
import { kvm, untilGuestWaits } from "../support/kvm.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff } from "./bundled-skiff.ts";
import {
  ATTACH_ALL,
  type Case,
  inOwnWords,
  misuses,
  NOT_DECLARED,
  type Outcome,
  outcomeOf,
  refuses,
  runs,
} from "./tender-outcome.ts";

const folder = temporaryFolder();
const tender = bundledSkiff("src/cli/skiff-hvt.ts");
const machine = hostArchitecture === "x86-64" ? X86_64 : AARCH64;
const KIT = hostArchitecture === "x86-64" ? "x86_64" : "aarch64";
const OTHER = hostArchitecture === "x86-64" ? "aarch64" : "x86_64";
/** The bundle's file is called otherwise than `skiff-hvt`. */
const NAME = "program";
/** What Skiff says of a KVM that emulates. */
const REMARK = /^program: this host's KVM emulates the processor.*\n/m;
const GDB_WORDS = ["--mem=8", "--gdb", "--gdb-port=0"];

beforeAll(() => {
  for (const name of ["hello", "block", "net", "net2", "protection", "status", "time", "output"])
    copyFileSync(kitImagePath(name, "hvt"), join(folder, `${name}.hvt`));
  copyFileSync(kitImagePath("hello"), join(folder, "hello.spt"));
  copyFileSync(kitImagePath("hello", "hvt", OTHER), join(folder, "other.hvt"));
  sparseFile(join(folder, "disk.img"), 65536);
  sparseFile(join(folder, "odd.img"), 1000);
  mkdirSync(join(folder, "cores"));
  writeFileSync(join(folder, "file"), "");
  writeFileSync(join(folder, "version3.hvt"), buildImage({ machine, abiTarget: HVT, abiVersion: 3 }).file);
  writeFileSync(join(folder, "no-abi.hvt"), buildImage({ machine, notes: ["manifest"] }).file);
  writeFileSync(join(folder, "debugged.hvt"), (machine === X86_64 ? X86_64_GUEST : AARCH64_GUEST).image);
});

const HELLO = "Hello from a unikernel.\n";
const USAGE: Outcome = { end: 1, stdout: "", lines: [], usage: true };
const MISSING: Outcome = { ...USAGE, lines: ["Missing KERNEL operand"] };
const BLOCK_OK = (sector: number) => `block: capacity=65536 block_size=${sector}\nblock: ok\n`;

const CASES: readonly Case[] = [
  { words: [], outcome: MISSING },
  { words: ["--mem=64", "--"], outcome: MISSING },
  { words: ["--help"], outcome: USAGE },
  { words: ["--mem=64", "--help", "hello.hvt"], outcome: USAGE },
  inOwnWords({
    words: ["--version"],
    outcome: {
      end: 0,
      stdout: "",
      lines: ["program tender, version development", `ABI version ${HVT_ABI_VERSION}`],
      usage: false,
    },
  }),
  runs("hello.hvt", HELLO),
  runs("hello.hvt a b", `${HELLO}Command line: a b\n`),
  runs("-- hello.hvt --mem=4", `${HELLO}Command line: --mem=4\n`),
  runs("--mem=64 -- hello.hvt", HELLO),
  runs("status.hvt 42", "", 42),
  runs("status.hvt abort", "abort: the program gave up\n", 255),
  ...["0", "x", ""].map((mib) => refuses(`--mem=${mib} hello.hvt`, "Malformed argument to --mem")),
  ...[1, 3].map((mib) => ({
    words: [`--mem=${mib}`, "hello.hvt"],
    outcome: { end: 0, stdout: HELLO, lines: ["adjusting memory to 2097152 bytes"], usage: false },
  })),
  inOwnWords(
    refuses("--mem=5000 hello.hvt", "--mem=5000: a guest of the hvt ABI can have 4096 MiB at most; give it --mem=4096"),
  ),
  misuses("--foo", "hello.hvt"),
  misuses("--x-exec-heap", "hello.hvt"),
  refuses("--foo nosuch", "nosuch: Could not open: No such file or directory"),
  refuses("hello.spt", "hello.spt: Executable is not for the solo5-hvt target"),
  refuses("version3.hvt", "version3.hvt: Executable requests unsupported ABI version 3"),
  refuses("no-abi.hvt", "no-abi.hvt: No Solo5 ABI information found in executable"),
  refuses("block.hvt", "Device 'storage' of type BLOCK_BASIC declared but not attached.", ATTACH_ALL),
  runs("--block:storage=disk.img block.hvt", BLOCK_OK(512)),
  runs("--block:storage=disk.img --block-sector-size:storage=4096 block.hvt", BLOCK_OK(4096)),
  refuses("--block:storage=odd.img block.hvt", "storage: Backing storage size must be block aligned (512 bytes)"),
  misuses("--block:other=disk.img", "block.hvt", NOT_DECLARED("other")),
  misuses(
    "--block-sector-size:storage=521",
    "block.hvt",
    "Block size must be a multiple of 2 greater than or equal 512",
  ),
  misuses("--net:service=nosuch", "net.hvt", "Could not attach interface: nosuch: No such file or directory"),
  misuses("--net:service=@99", "net.hvt", "Could not attach interface: @99: Bad file descriptor"),
];
/** An image for the other architecture: upstream's tender runs none. */
const OTHER_CASE: Case =
  hostArchitecture === "x86-64"
    ? runs("other.hvt", HELLO)
    : refuses(
        "other.hvt",
        `other.hvt: invalid or unsupported executable: it is for x86-64, this host is ${hostArchitecture}`,
      );
/** What `solo5-hvt-debug` alone has of upstream's. */
const DEBUG_CASES: readonly Case[] = [
  refuses("--gdb-port=65536 hello.hvt", "Malformed argument to --gdb-port"),
  refuses("--gdb-port=x hello.hvt", "Malformed argument to --gdb-port"),
  runs("--gdb-port=1 hello.hvt", HELLO),
  misuses("--gdbx", "hello.hvt"),
  refuses("--dumpcore=nosuch hello.hvt", "dumpcore: cannot open dir"),
  refuses("--dumpcore=file hello.hvt", "dumpcore: cannot open dir"),
  runs("--dumpcore=cores hello.hvt", HELLO),
];

const runTender = (words: readonly string[], descriptors: readonly number[] = []): Ended => {
  const [node, file] = tender.command();
  const ended = run(node, [file, ...words], { folder, descriptors });
  return { ...ended, stderr: ended.stderr.replace(REMARK, "") };
};
const startTender = (words: readonly string[]) => {
  const [node, file] = tender.command();
  const running = start(node, [file, ...words], { cwd: folder });
  onTestFinished(async () => {
    running.kill("SIGKILL");
    await running.ended;
  });
  return running;
};

describeWith([kvm], "skiff-hvt", () => {
  it.each([...CASES, OTHER_CASE, ...DEBUG_CASES].map((one) => [one.words.join(" "), one] as const))("%s", (_, one) => {
    expect(outcomeOf(runTender(one.words), NAME)).toEqual(one.outcome);
  });

  it("tells every option in its usage", () => {
    const { stderr } = runTender(["--help"]);
    const options = ["--mem=", "--net:NAME=", "--net-mac:NAME=", "--block:NAME=", "--block-sector-size:NAME="];
    for (const option of [...options, "--dumpcore=", "--gdb ", "--gdb-port=", "--help", "--version"]) {
      expect(stderr).toContain(option);
    }
  });

  it.each([
    ["SIGTERM", 15],
    ["SIGINT", 2],
  ] as const)("says on %s that it ends, and does, with status 1", async (signal, number) => {
    const guest = startTender(["time.hvt", "1", "1000000000000"]);
    await untilGuestWaits(guest.pid);
    guest.kill(signal);
    const { end, stderr } = await guest.ended;
    expect([end, stderr.replace(REMARK, "")]).toEqual([1, `${NAME}: Exiting on signal ${number}\n`]);
  });

  it("ends on SIGTERM where the guest never waits", async () => {
    const guest = startTender(["output.hvt", "1000000000"]);
    await guest.printed(/\n/);
    guest.kill("SIGTERM");
    const { end, stderr } = await guest.ended;
    expect([end, stderr.replace(REMARK, "")]).toEqual([1, `${NAME}: Exiting on signal 15\n`]);
  });
});

describeWith([kvm], "a core dump of skiff-hvt", () => {
  it("has upstream's name and messages, holes for what was not touched, and is nobody else's to read", () => {
    const { end, stderr } = runTender(["--mem=64", "--dumpcore=cores", "protection.hvt", "null-write"]);
    expect(end).toBe(255);
    const [core = "", ...others] = readdirSync(join(folder, "cores"));
    expect(others).toEqual([]);
    const status = statSync(join(folder, "cores", core));
    rmSync(join(folder, "cores", core));
    const [, first, second] = /^(.*)\n(.*)\n$/.exec(stderr) ?? [];
    expect(first).toMatch(/^program: dumpcore: dumping guest core to: cores\/core\.solo5-hvt\.[0-9]+$/);
    expect(second).toMatch(/^program: dumpcore: dumped [0-9]+ pages of total 16384 pages$/);
    expect(first?.endsWith(core)).toBe(true);
    expect(status.mode & 0o777).toBe(0o600);
    expect(status.size).toBeGreaterThan(64 * 2 ** 20);
    expect(status.blocks * 512).toBeLessThan(4 * 2 ** 20);
  });

  it("is left out where the guest ends by itself", () => {
    expect(runTender(["--dumpcore=cores", "status.hvt", "3"]).end).toBe(3);
    expect(readdirSync(join(folder, "cores"))).toEqual([]);
  });

  it("says where it cannot be written", () => {
    // A folder in which root has every right, and yet no file can be made.
    const { end, stderr } = runTender(["--mem=8", "--dumpcore=/proc", "protection.hvt", "null-write"]);
    const isRoot = process.getuid?.() === 0;
    expect(end).toBe(isRoot ? 255 : 1);
    expect(stderr).toMatch(
      isRoot
        ? /^.*\n.*dumpcore: ENOENT.*\n.*dumpcore: error\(s\) dumping core, file may be incomplete\n$/
        : /^program: dumpcore: dir not writable\n$/,
    );
  });
});

const GDB = [kvm, program("gdb", "gdb"), program(`${KIT}-linux-gnu-gcc`, "gcc"), program("make", "make")];

describeWith(GDB, "GDB", () => {
  let image: ReturnType<typeof buildDebugImage>;
  beforeAll(() => {
    image = buildDebugImage(join(folder, "build"), "protection", KIT);
  });
  const gdb = (commands: readonly string[], ...files: readonly string[]): Ended =>
    run("gdb", ["-nx", "-batch", ...commands.flatMap((one) => ["-ex", one]), ...files]);

  it("shows by a core dump where the guest trapped", () => {
    expect(runTender(["--mem=8", "--dumpcore=cores", image.path, "null-write"]).end).toBe(255);
    const [core = ""] = readdirSync(join(folder, "cores"));
    const path = join(folder, "cores", core);
    const { stdout } = gdb(["bt", "info symbol $pc"], image.path, path);
    rmSync(path);
    if (hostArchitecture === "x86-64") {
      expect(stdout).toMatch(/#0 .*write_(at|null) /);
      expect(stdout).toMatch(/write_null.* in section \.text/);
    } else {
      expect(stdout).toMatch(/hvt_halt/);
    }
    expect(stdout).toMatch(/#[1-9].* solo5_app_main|#[1-9].* trap_end/);
  });

  it("shows by a core dump where the guest met a fault that it has no handler for", () => {
    const { image: faulty, fault, valueName } = machine === X86_64 ? X86_64_FAULTY : AARCH64_FAULTY;
    writeFileSync(join(folder, "fault.hvt"), faulty);
    expect(runTender(["--mem=8", "--dumpcore=cores", "fault.hvt"]).end).toBe(1);
    const [core = ""] = readdirSync(join(folder, "cores"));
    const path = join(folder, "cores", core);
    const { stdout } = gdb([`printf "pc=%#lx value=%#lx\\n", $pc, $${valueName}`], "-c", path);
    rmSync(path);
    expect(stdout).toContain("SIGSEGV");
    expect(stdout).toContain(`pc=0x${fault.toString(16)} value=0x${FAULTY_VALUE.toString(16)}\n`);
  });

  it("breaks, shows callers, registers and memory, steps, watches and sees the guest's end", async () => {
    const guest = startTender([...GDB_WORDS, image.path, "null-write"]);
    const port = await portOf(guest);
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
        "bt 1",
        "continue",
        "continue",
      ],
      image.path,
    );
    expect(stdout, stderr).toMatch(/Breakpoint 1, write_null/);
    expect(stdout, stderr).toMatch(/#1 .* solo5_app_main/);
    expect(stdout, stderr).toMatch(/Breakpoint 2, trap_end/);
    expect(stdout, stderr).toContain("Program received signal SIGABRT");
    expect(stdout, stderr).toContain("exited with code 0377");
    const ended = await guest.ended;
    expect([ended.end, ended.stdout]).toEqual([255, expect.stringContaining("trap: ")]);
  });

  it("lets a guest go on that it detaches from, and ends one that it kills", async () => {
    const detached = startTender([...GDB_WORDS, "hello.hvt"]);
    gdb([`target remote localhost:${await portOf(detached)}`, "stepi", "detach"], join(folder, "hello.hvt"));
    expect(await detached.ended).toMatchObject({ end: 0, stdout: HELLO });
    const killed = startTender([...GDB_WORDS, "hello.hvt"]);
    gdb([`target remote localhost:${await portOf(killed)}`, "stepi", "kill"], join(folder, "hello.hvt"));
    expect(await killed.ended).toMatchObject({
      end: 1,
      stdout: "",
      stderr: expect.stringContaining("asked us to quit"),
    });
  });
});

async function portOf({ complained }: ReturnType<typeof start>): Promise<number> {
  return Number(/localhost:(\d+)/.exec(await complained(/localhost:\d+/))?.[1]);
}

describeWith([kvm], "a client of skiff-hvt --gdb", () => {
  const facts = machine === X86_64 ? X86_64_GUEST : AARCH64_GUEST;

  it("watches memory where KVM is real, and is told where it is not", async () => {
    const guest = startTender([...GDB_WORDS, "debugged.hvt"]);
    const client = await RemoteClient.connect(await portOf(guest));
    const data = facts.data.toString(16);
    if (kvmEmulates()) {
      expect(await client.ask(`Z2,${data},4`)).toBe("E01");
      expect(await client.ask("c")).toBe(`W0${STATUS}`);
      return;
    }
    expect(await client.ask(`Z2,${data},4`)).toBe("OK");
    expect(await client.ask("c")).toBe(`T05watch:${data};`);
    expect(await client.ask(`z2,${data},4`)).toBe("OK");
    // x86-64 tells after the store, AArch64 before it.
    if (hostArchitecture === "aarch64") expect(await client.ask("s")).toBe("S05");
    expect(await client.ask(`m${data},4`)).toBe(`0${STORED}000000`);
    expect(await client.ask("c")).toBe(`W0${STATUS}`);
    expect(await guest.ended).toMatchObject({ end: STATUS });
  });

  it("interrupts a guest that waits", async () => {
    const guest = startTender([...GDB_WORDS, "time.hvt", "1", "1000000000000"]);
    const client = await RemoteClient.connect(await portOf(guest));
    expect(await client.ask("?")).toBe("S05");
    client.sendRaw("$c#63");
    await untilGuestWaits(guest.pid);
    client.sendRaw("\x03");
    expect(await client.next(/\$(S02)#b5/)).toBe("S02");
    client.close();
    expect(await guest.ended).toMatchObject({ end: 1, stderr: expect.stringContaining("could not receive") });
  });

  it("interrupts a guest that never waits, and lets it go on", async () => {
    const guest = startTender([...GDB_WORDS, "output.hvt", "1000000000"]);
    const client = await RemoteClient.connect(await portOf(guest));
    for (let round = 0; round < 3; round++) {
      client.sendRaw("$c#63");
      await guest.printed(new RegExp(`^(.*\\n){${round + 1}}`));
      client.sendRaw("\x03");
      expect(await client.next(/\$(S02)#b5/)).toBe("S02");
      client.sendRaw("+");
    }
    expect(await client.ask("vKill;1")).toBe("OK");
    expect(await guest.ended).toMatchObject({ end: 1 });
  });

  it("that leaves or sends nonsense leaves nothing behind", async () => {
    const guest = startTender([...GDB_WORDS, "hello.hvt"]);
    const client = await RemoteClient.connect(await portOf(guest));
    client.sendRaw("$c#00$#$$$#zz\x00\xff$G#47$m0,ffffffffffffffff#00");
    client.close();
    expect(await guest.ended).toMatchObject({ end: 1, stdout: "" });
  });

  it("is told of a port that is taken", async () => {
    const guest = startTender([...GDB_WORDS, "hello.hvt"]);
    const port = await portOf(guest);
    const { end, stderr } = runTender(["--gdb", `--gdb-port=${port}`, "hello.hvt"]);
    expect([end, stderr]).toEqual([1, `${NAME}: 127.0.0.1:${port}: bind failed with EADDRINUSE\n`]);
  });
});

describeWith([kvm, root, program("ip", "iproute2")], "skiff-hvt on a network", () => {
  const namespace = namespaceOfTests();
  beforeAll(() => namespace.addTap("tap0", "10.0.0.1/24"));

  it("attaches taps with a MAC", () => {
    const words = "--mem=16 --net:service=tap0 --net-mac:service=02:0:0:0:0:a net.hvt --limit=0";
    const outcome = outcomeOf(
      namespace.inside(() => runTender(words.split(" "))),
      NAME,
    );
    expect(outcome).toEqual({
      ...{ end: 0, lines: [], usage: false },
      stdout: "service: 10.0.0.2/24 at 02:00:00:00:00:0a, mtu 1500\nnet: answered 0\n",
    });
  });
});

const { SKIFF_SOLO5_HVT: upstream = "" } = process.env;
if (upstream !== "") {
  describe(`Solo5's tender, ${upstream}`, () => {
    it.each(CASES.map((one) => [one.words.join(" "), one] as const))("%s", (_, one) => {
      const outcome = outcomeOf(run(upstream, one.words, { folder }), "solo5-hvt");
      const { end, stdout, usage } = one.outcome;
      if (one.ownWords) expect(outcome).toMatchObject({ end, stdout, usage });
      else expect(outcome).toEqual(one.outcome);
    });
  });
}
