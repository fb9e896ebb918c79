import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type ExitStatus,
  HostError,
  ImageError,
  Machine,
  type MachineOptions,
  parseImage,
  UsageError,
} from "../../src/index.ts";
import { BLOCK, buildImage, NET } from "../format/build-image.ts";
import { hostArchitecture, kitImage, kitImagePath, OTHER_ARCHITECTURE_LINE } from "../support/guest.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { ownDescriptors, readProcess, untilWaiting } from "../support/process-state.ts";
import { exitImage } from "../support/small-image.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder();
const FOREVER = ["1", "3600000000000"];
const MEMORY_MIB = 8;

/** All that a machine gives, once it has ended. */
interface Record {
  readonly console: string;
  readonly diagnostic: string;
  readonly exit: ExitStatus;
}

async function recordOf(machine: Machine): Promise<Record> {
  const pieces: Uint8Array[] = [];
  let diagnostic = "";
  let exit: ExitStatus | undefined;
  machine.on("console", (bytes) => pieces.push(bytes));
  machine.on("diagnostic", (text) => {
    diagnostic += text;
  });
  machine.on("exit", (status) => {
    exit = status;
  });
  const resolved = await machine.exited;
  // The event comes with the promise, after all that was written.
  expect(exit).toEqual(resolved);
  return { console: Buffer.concat(pieces).toString(), diagnostic, exit: resolved };
}

function run(name: string, options: Omit<MachineOptions, "image"> = {}): Promise<Record> {
  return recordOf(Machine.start({ image: kitImage(name), memoryMib: MEMORY_MIB, ...options }));
}

const ended = (status: number): ExitStatus => ({ status, signal: undefined });
const killed = (signal: NodeJS.Signals): ExitStatus => ({ status: undefined, signal });

describe("a machine", () => {
  it("gives what the guest writes, and how it ended", async () => {
    expect(await run("hello", { args: ["over", "the  sea"] })).toEqual({
      console: "Hello from a unikernel.\nCommand line: over the  sea\n",
      diagnostic: "",
      exit: ended(0),
    });
    expect((await run("status", { args: ["77"] })).exit).toEqual(ended(77));
    expect((await run("protection", { args: ["null-write"] })).exit).toEqual(killed("SIGSEGV"));
    expect((await run("syscall", { args: ["1023"] })).exit).toEqual(killed("SIGSYS"));
  });

  it("gives all of a large output before its end", async () => {
    const { console: text, exit } = await run("output", { args: ["5000000", "65536"] });
    expect(exit).toEqual(ended(0));
    expect(text).toHaveLength(5_000_000);
    expect(text.slice(64 * 70000, 64 * 70000 + 12)).toBe("00011170....");
  });

  it("gives the guest its memory", async () => {
    expect((await run("memory", { memoryMib: 3 })).console).toContain(" end=0x300000 ");
    const image = kitImage("memory");
    expect((await recordOf(Machine.start({ image, args: ["1048576"] }))).console).toContain(" end=0x20000000 ");
  });

  it("is a process of its own, under its name, without this one's environment and descriptors", async () => {
    const machine = Machine.start({ image: kitImage("time"), args: FOREVER, name: "harbour pilot boat" });
    const pid = machine.pid ?? 0;
    await untilWaiting(pid);
    const { name, words, environment, descriptors, executable } = readProcess(pid);
    expect(name).toBe("harbour pilot b");
    expect(words).toEqual(["harbour pilot b", FOREVER.join(" ")]);
    expect(environment).toBe("");
    expect([...descriptors.keys()]).toEqual([0, 1, 2, 3, 4]);
    expect(executable).toBe("/memfd:harbour pilot boat (deleted)");
    expect(await machine.stop()).toEqual(killed("SIGKILL"));
  });

  it("can be stopped, at any time and twice", async () => {
    const machine = Machine.start({ image: kitImage("time"), args: FOREVER });
    expect(await Promise.all([machine.stop(), machine.stop()])).toEqual([killed("SIGKILL"), killed("SIGKILL")]);
    expect(await machine.stop()).toEqual(killed("SIGKILL"));
    const short = Machine.start({ image: kitImage("status"), args: ["5"] });
    await short.exited;
    expect(await short.stop()).toEqual(ended(5));
  });

  it("reads and writes its block devices", async () => {
    const file = sparseFile(join(folder, "disk.img"), 1 << 20);
    const { console: text, exit } = await run("block", { block: { storage: { file, blockBytes: 4096 } } });
    expect({ text, exit }).toEqual({ text: "block: capacity=1048576 block_size=4096\nblock: ok\n", exit: ended(0) });
    expect(readFileSync(file).some((byte) => byte !== 0)).toBe(true);

    const descriptor = openSync(file, "r+");
    const { exit: again } = await run("block", { block: { storage: { file: descriptor } } });
    // The caller's descriptor stays open.
    closeSync(descriptor);
    expect(again).toEqual(ended(0));
  });

  it("tells the line with which a start was refused", async () => {
    const { diagnostic, exit } = await run("hello", { args: ["x".repeat(8192)], name: "longwinded" });
    expect(diagnostic).toBe("longwinded: the guest's command line is longer than 8191 bytes\n");
    expect(exit).toEqual(ended(1));
  });

  it("runs beside others", async () => {
    const records = await Promise.all(
      Array.from({ length: 20 }, (_, index) => run("status", { args: [String(index)] })),
    );
    expect(records.map(({ exit }) => exit.status)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it("leaves no descriptor behind in 200 starts, refused and not", async () => {
    const file = sparseFile(join(folder, "disk.img"), 65536);
    const odd = sparseFile(join(folder, "odd.img"), 1000);
    const image = kitImage("block");
    const start = (storage: string) =>
      Machine.start({ image, memoryMib: MEMORY_MIB, block: { storage: { file: storage } } });
    await start(file).exited;
    const before = ownDescriptors();
    for (let count = 0; count < 50; count++) {
      const machines = [start(file), start(file)];
      expect(() => start(odd)).toThrow(UsageError);
      expect(() => Machine.start({ image, memoryMib: 1, block: { storage: { file } } })).toThrow(UsageError);
      await Promise.all(machines.map(({ exited }) => exited));
    }
    expect(ownDescriptors()).toEqual(before);
  });
});

describe("a machine is refused", () => {
  const image = kitImage("hello");
  const other = hostArchitecture === "x86-64" ? "aarch64" : "x86-64";
  const withDevices = exitImage({
    devices: [
      { name: "service", type: NET },
      { name: "storage", type: BLOCK },
    ],
  });
  const disk = () => sparseFile(join(folder, "disk.img"), 65536);

  it.each<[string, () => MachineOptions, Error]>([
    [
      "for another architecture",
      () => ({ image: parseImage(readFileSync(kitImagePath("hello", "spt", other === "aarch64" ? other : "x86_64"))) }),
      new UsageError(OTHER_ARCHITECTURE_LINE),
    ],
    [
      "with too little memory",
      () => ({ image, memoryMib: 1 }),
      new UsageError("--mem 1: the image needs at least 2 MiB; give it --mem 2 or more"),
    ],
    ...[2.5, Number.NaN, Number.POSITIVE_INFINITY, -8, 0].map((memoryMib): [string, () => MachineOptions, Error] => [
      `with ${memoryMib} MiB`,
      () => ({ image, memoryMib }),
      new UsageError(`memoryMib: ${memoryMib} is no whole number of MiB; give one, e.g. 64`),
    ]),
    [
      "with more memory than there is room",
      () => ({ image, memoryMib: 131073 }),
      new UsageError("--mem 131073: at most 131072 MiB can be given"),
    ],
    [
      "with a zero byte in a word",
      () => ({ image, args: ["a", "b\0c"] }),
      new UsageError("args: a word of a command line cannot hold a zero byte"),
    ],
    [
      "with a zero byte in its name",
      () => ({ image, name: "a\0b" }),
      new UsageError("name: a process' name cannot hold a zero byte"),
    ],
    [
      "without a device",
      () => ({ image: withDevices, block: { storage: { file: disk() } } }),
      new UsageError("the image declares the net device 'service', which is not attached; add --net service=tap0"),
    ],
    [
      "with a device too many",
      () => ({ image, block: { storage: { file: disk() } } }),
      new UsageError(
        "--block storage=…: the image has no such device; the image declares no devices; leave the option out",
      ),
    ],
    [
      "with a tap's name that is none",
      () => ({ image: withDevices, block: { storage: { file: disk() } }, net: { service: { tap: "a/b" } } }),
      new UsageError(
        "--net service=a/b: an interface's name has at most 15 bytes, none of them a space, /, : or %; e.g. tap0",
      ),
    ],
  ])("%s", (_, options, error) => {
    const before = ownDescriptors();
    const built = options();
    expect(() => Machine.start(built)).toThrow(error);
    expect(ownDescriptors()).toEqual(before);
  });

  it("by a HostError where the host does not take the arguments", () => {
    // Linux takes no word of more than 128 KiB (execve(2)).
    const start = () => Machine.start({ image: kitImage("hello"), args: ["x".repeat(2 ** 18)], name: "longwinded" });
    const before = ownDescriptors();
    expect(start).toThrow(new HostError("spawn", 7, "longwinded"));
    expect(ownDescriptors()).toEqual(before);
  });

  it("by an ImageError where the bytes are no image", () => {
    expect(() => parseImage(buildImage().file.subarray(1))).toThrow(ImageError);
  });
});

describeWith([root, program("ip", "iproute2")], "a machine on a network", () => {
  const namespace = namespaceOfTests();

  it("serves its tap, and lets go of it", async () => {
    namespace.addTap("tap0", "10.0.0.1/24");
    const before = ownDescriptors();
    const image = kitImage("net");
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 7);
    const start = () =>
      namespace.inside(() => Machine.start({ image, memoryMib: MEMORY_MIB, net: { service: { tap: "tap0", mac } } }));
    const machine = start();
    const [bytes] = await new Promise<[Uint8Array]>((resolve) => machine.once("console", (...args) => resolve(args)));
    expect(Buffer.from(bytes).toString()).toContain("at 02:00:00:00:00:07, mtu 1500");
    expect(namespace.run("ping", "-q", "-c", "2", "-i", "0.01", "10.0.0.2").stdout).toContain("2 received");
    expect(start).toThrow("something is attached to that tap already");
    await machine.stop();
    expect(ownDescriptors()).toEqual(before);
    await start().stop();
  });
});
