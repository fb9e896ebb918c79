import { closeSync, copyFileSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AARCH64, buildImage, X86_64 } from "../format/build-image.ts";
import { type Ended, type Running, shell, start } from "../support/command.ts";
import { hostArchitecture, kitImagePath, OTHER_ARCHITECTURE_LINE } from "../support/guest.ts";
import { memoryHolds, readProcess, untilWaiting } from "../support/process-state.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const folder = temporaryFolder();
const skiff = bundledSkiff();
const MIB = 2 ** 20;
const CLOSE_ON_EXEC = 0o2000000;
const FOREVER = ["1", "3600000000000"];
const HELLO = "Hello from a unikernel.\n";
const ended = (stdout: string, end: number | string = 0): Ended => ({ end, stdout, stderr: "" });

/** Starts a guest that waits, and ends it with the test. */
async function startWaiting(
  program: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Running> {
  const running = start(program, words, { env: environment });
  onTestFinished(async () => {
    running.kill("SIGKILL");
    await running.ended;
  });
  await untilWaiting(running.pid);
  return running;
}

describe("skiff run", () => {
  it("gives the guest the words behind the image", () => {
    const hello = kitImagePath("hello");
    expect(skiff.run(["run", hello])).toEqual(ended(HELLO));
    for (const words of [["over", "the  sea"], ["-v", "--mem", "1"], ["-h"], ["--port=80", "--net", "x"]]) {
      expect(skiff.run(["run", hello, ...words])).toEqual(ended(`${HELLO}Command line: ${words.join(" ")}\n`));
    }
  });

  it("takes its options for memory and devices right behind the image, too, and gives the guest what follows '--'", () => {
    const hello = kitImagePath("hello");
    const commandLine = (...words: string[]) =>
      skiff.run(["run", ...words]).stdout.replace(`${HELLO}Command line: `, "");
    expect(commandLine(hello, "--mem", "16", "a", "--mem", "1")).toBe("a --mem 1\n");
    expect(commandLine(hello, "--mem=16", "--", "--mem", "1")).toBe("--mem 1\n");
    expect(commandLine("--", hello, "--", "--", "x")).toBe("-- x\n");
    expect(skiff.run(["run", "--mem", "16", hello, "--mem", "1"])).toEqual(skiff.run(["run", "--mem", "1", hello]));
    expect(skiff.run(["run", hello, "--net", "x=tap0"])).toEqual(skiff.run(["run", "--net", "x=tap0", hello]));
  });

  it("says which engine was chosen, and why, where it is asked", () => {
    const architecture = hostArchitecture;
    expect(skiff.run(["run", "--verbose", kitImagePath("hello")])).toEqual({
      ...ended(HELLO),
      stderr: `skiff: engine process: an image of the spt ABI for ${architecture} runs as a process of its own\n`,
    });
  });

  it("ends with the guest's status, or by its signal", () => {
    for (const status of [0, 1, 2, 42, 127, 128, 255]) {
      expect(skiff.run(["run", kitImagePath("status"), String(status)])).toEqual(ended("", status));
    }
    expect(skiff.run(["run", kitImagePath("protection"), "text-write"])).toEqual(
      ended("protection: text-write\n", "SIGSEGV"),
    );
    // A number that no kernel has.
    expect(skiff.run(["run", kitImagePath("syscall"), "1023"])).toEqual(ended("calling 1023\n", "SIGSYS"));
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGPIPE", "SIGXFSZ"] as const)(
    "leaves %s to end the guest",
    async (signal) => {
      const guest = await startWaiting(process.execPath, [skiff.command()[1], "run", kitImagePath("time"), ...FOREVER]);
      guest.kill(signal);
      expect(await guest.ended).toEqual(ended("", signal));
    },
  );

  it("lets the guest end by SIGPIPE where its reader has left", () => {
    const script = '"$@" 100000000 | head -c 64 >/dev/null; echo $PIPESTATUS';
    const words = ["bash", ...skiff.command(), "run", kitImagePath("output")];
    expect(shell(script, words).stdout).toBe(`${128 + constants.signals.SIGPIPE}\n`);
  });

  it("gives the guest as much memory as was asked for", () => {
    for (const mib of [2, 100]) {
      const { stdout } = skiff.run(["run", "--mem", String(mib), kitImagePath("memory"), "65536"]);
      expect(stdout).toContain(` end=0x${(mib * MIB).toString(16)} `);
    }
    expect(skiff.run(["run", kitImagePath("memory"), "1048576"]).stdout).toContain(" end=0x20000000 ");
  });

  it("keeps the guest's clocks", () => {
    expect(skiff.run(["run", kitImagePath("time")]).stdout).toMatch(/^time: wall_ns=\d{19} rounds=10 waited_ns=\d+/);
  });

  it.each([
    ["standard input", "<&-"],
    ["standard error", "2>&-"],
    ["both", "<&- 2>&-"],
  ])("works with %s closed", (_, redirection) => {
    const words = ["bash", ...skiff.command(), "run", kitImagePath("hello"), "word"];
    expect(shell(`"$@" ${redirection}`, words)).toEqual(ended(`${HELLO}Command line: word\n`));
  });

  it("works with standard output closed, which the guest's lines go to", () => {
    const words = ["bash", ...skiff.command(), "run", kitImagePath("status"), "7"];
    expect(shell('"$@" >&-; echo $? >&2', words).stderr).toBe("7\n");
    expect(shell('"$@" <&- >&- 2>&-; echo $?', words).stdout).toBe("7\n");
  });

  it("takes images of the longest name that a file can have", () => {
    const path = join(folder, `${"n".repeat(251)}.spt`);
    copyFileSync(kitImagePath("hello"), path);
    expect(skiff.run(["run", path])).toEqual(ended(HELLO));
  });
});

describe("the process that skiff run leaves", () => {
  const SECRET = "a secret of the environment";
  const launch = (script: string) =>
    startWaiting(
      "bash",
      ["-c", script, "bash", ...skiff.command(), "run", "--mem", "32", kitImagePath("time"), ...FOREVER],
      { SECRET, PATH: process.env["PATH"] },
    );

  it("is the one that was started, and nothing of Node is in it", async () => {
    const { pid } = await launch('exec "$@"');
    const state = readProcess(pid);
    expect(state.executable).toBe("/memfd:time.spt (deleted)");
    expect(state.name).toBe("time.spt");
    expect(state.words).toEqual(["time.spt", FOREVER.join(" ")]);
    const files = new Set(state.mappings.map(({ name }) => name).filter((name) => name.startsWith("/")));
    expect([...files]).toEqual(["/memfd:time.spt (deleted)"]);
    expect(Math.max(...state.mappings.filter(({ end }) => end < 2 ** 38).map(({ end }) => end))).toBe(32 * MIB);
    expect(state.status.get("Threads")).toBe("1");
  });

  it("keeps nothing of the environment", async () => {
    const { pid } = await launch('exec "$@"');
    expect(readProcess(pid).environment).toBe("");
    expect(memoryHolds(pid, SECRET)).toBe(false);
    expect(memoryHolds(pid, FOREVER.join(" "))).toBe(true);
  });

  it("has the standard descriptors as they were, those it waits by, and no other", async () => {
    const { pid } = await launch('exec "$@" 5</dev/null 200</dev/null');
    const { descriptors } = readProcess(pid);
    expect([...descriptors.keys()]).toEqual([0, 1, 2, 3, 4]);
    expect([3, 4].map((number) => descriptors.get(number)?.target)).toEqual([
      "anon_inode:[eventpoll]",
      "anon_inode:[timerfd]",
    ]);
    for (const number of [0, 1, 2]) expect((descriptors.get(number)?.flags ?? -1) & CLOSE_ON_EXEC).toBe(0);
  });

  it("takes signals as usual, can gain no rights, and has its filter", async () => {
    const { pid } = await launch('exec "$@"');
    const { status } = readProcess(pid);
    for (const field of ["SigBlk", "SigIgn", "SigCgt"]) expect(status.get(field)).toBe("0".repeat(16));
    expect([status.get("NoNewPrivs"), status.get("Seccomp")]).toEqual(["1", "2"]);
  });

  it("has the soft limit of open files that its parent has, which Node raised", async () => {
    const script = 'ulimit -S -n 137; "$@" & echo "hard $(ulimit -H -n) pid $!"; wait';
    const words = [...skiff.command(), "run", kitImagePath("time"), ...FOREVER];
    const running = start("bash", ["-c", script, "bash", ...words]);
    const [, hard, pid] = /hard (\d+) pid (\d+)\n/.exec(await running.printed(/pid \d+\n/)) ?? [];
    await untilWaiting(Number(pid));
    expect(readProcess(Number(pid)).openFiles).toEqual(["137", hard]);
    process.kill(Number(pid), "SIGKILL");
    await running.ended;
  });
});

describe("skiff run refuses", () => {
  const hello = kitImagePath("hello");
  const block = kitImagePath("block");
  const write = (name: string, content: Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const machine = hostArchitecture === "x86-64" ? X86_64 : AARCH64;

  it.each<[string, () => string[], string]>([
    ["no image", () => [], "missing required argument 'image'; skiff run --help shows what there is"],
    [
      "an unknown option",
      () => ["--memory", "5", hello],
      "unknown option '--memory' (Did you mean --mem?); skiff run --help shows what there is",
    ],
    [
      "an option that is like none",
      () => ["--xyz", "a=b", hello],
      "unknown option '--xyz'; skiff run --help shows what there is",
    ],
    [
      "an option without its value",
      () => ["--mem"],
      "option '-m, --mem <MiB>' argument missing; skiff run --help shows what there is",
    ],
    [
      "memory that is no number",
      () => ["--mem", "lots", hello],
      "--mem lots: give a whole number of MiB, e.g. --mem 64",
    ],
    [
      "too little memory",
      () => ["--mem", "1", hello],
      "--mem 1: the image needs at least 2 MiB; give it --mem 2 or more",
    ],
    ["too much memory", () => ["--mem", "131073", hello], "--mem 131073: at most 131072 MiB can be given"],
    ["a file that is not there", () => ["absent.spt"], "absent.spt does not exist; give the path of an image"],
    ["a folder", () => [folder], `${folder} is a directory; give the path of an image in it`],
    [
      "a file that is no image",
      () => [write("text.spt", Buffer.from("#!/bin/sh\n".repeat(100)))],
      `${join(folder, "text.spt")} is not a usable image: e_ident[EI_MAG0..3] is 23 21 2f 62, expected 7f 45 4c 46 (an ELF file)`,
    ],
    [
      "an image of another architecture",
      () => [kitImagePath("hello", "spt", hostArchitecture === "x86-64" ? "aarch64" : "x86_64")],
      OTHER_ARCHITECTURE_LINE,
    ],
    [
      "an image of another ABI",
      () => [write("muen.spt", buildImage({ machine, abiTarget: 4 }).file)],
      "the image is for Solo5's muen ABI, which no engine of this Skiff runs; link it for spt or hvt",
    ],
    [
      "an image of another version of the ABI",
      () => [write("version.spt", buildImage({ machine, abiVersion: 3 }).file)],
      "the image wants version 3 of the spt ABI, Skiff has version 2; link it with a matching Solo5",
    ],
    [
      "a device left out",
      () => [block],
      "the image declares the block device 'storage', which is not attached; add --block storage=disk.img",
    ],
    [
      "a device that the image does not declare",
      () => ["--block", "storage=a.img", hello],
      "--block storage=…: the image has no such device; the image declares no devices; leave the option out",
    ],
    [
      "a device twice",
      () => ["-b", "storage=a.img", "-b", "storage=b.img", block],
      "--block storage=… is given twice; attach each device once",
    ],
    [
      "a disk that is not there",
      () => ["--block", "storage=absent.img", block],
      "--block storage=absent.img: there is no such file; make one with truncate -s 64M and its name",
    ],
    [
      "a disk of half a sector",
      () => ["--block", `storage=${sparseFile(join(folder, "odd.img"), 1000)}`, block],
      `--block storage=${join(folder, "odd.img")}: its 1000 bytes are not a whole number of 512-byte sectors; make it so with truncate -s, or choose another sector=`,
    ],
    [
      "a descriptor that is not open",
      () => ["--block", "storage=@999", block],
      "--block storage=@999: descriptor 999 is not open; let the shell open it, e.g. 999<>FILE",
    ],
    [
      "a descriptor of its own instead of an inherited one",
      () => ["--block", "storage=@3", block],
      "--block storage=@3: that is neither a file nor a block device; let the shell open one, e.g. 3<>disk.img",
    ],
    [
      "a command line that is too long",
      () => [hello, "x".repeat(8192)],
      "the guest's command line is longer than 8191 bytes",
    ],
  ])("%s, in one line with the mend", (_, words, line) => {
    const before = readdirSync(folder);
    const outcome = skiff.run(["run", ...words()]);
    expect(outcome).toEqual(mistake(line));
    // Nothing is left behind but what the test itself wrote.
    const made = readdirSync(folder).filter((name) => !before.includes(name));
    expect(made.every((name) => /^(text|muen|version)\.spt$|^odd\.img$/.test(name))).toBe(true);
  });
});

describe("skiff run under a limit of file sizes", () => {
  it("says what the host refused, for the executable in memory is a file too", () => {
    const script = 'ulimit -f 16; trap "" XFSZ; exec "$@"';
    const outcome = shell(script, ["bash", ...skiff.command(), "run", kitImagePath("hello")]);
    expect(outcome).toEqual(mistake("hello.spt: write failed with EFBIG"));
  });
});

describe("skiff run with a block device", () => {
  it.each([512, 4096, 32768])("of sectors of %i bytes", (sector) => {
    const disk = sparseFile(join(folder, "disk.img"), 1 << 20);
    const words = ["run", "--block", `storage=${disk},sector=${sector}`, kitImagePath("block")];
    expect(skiff.run(words)).toEqual(ended(`block: capacity=1048576 block_size=${sector}\nblock: ok\n`));
    expect(readFileSync(disk).some((byte) => byte !== 0)).toBe(true);
  });

  it("by an inherited descriptor", () => {
    const disk = sparseFile(join(folder, "disk.img"), 65536);
    const descriptor = openSync(disk, "r+");
    const outcome = skiff.run(["run", "--block", "storage=@3", kitImagePath("block")], [descriptor]);
    closeSync(descriptor);
    expect(outcome).toEqual(ended("block: capacity=65536 block_size=512\nblock: ok\n"));
  });
});
