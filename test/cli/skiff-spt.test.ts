import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { SPT_ABI_VERSION } from "../../src/abi/spt.ts";
import { AARCH64, buildImage, X86_64 } from "../format/build-image.ts";
import { type Ended, run } from "../support/command.ts";
import { hostArchitecture, kitImagePath } from "../support/guest.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { attachTun } from "../support/tap.ffi.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff } from "./bundled-skiff.ts";
import {
  ATTACH_ALL,
  type Case,
  INVALID,
  inOwnWords,
  misuses,
  NOT_DECLARED,
  type Outcome,
  outcomeOf,
  refuses,
  runs,
} from "./tender-outcome.ts";

const folder = temporaryFolder();
const tender = bundledSkiff("src/cli/skiff-spt.ts");
const machine = hostArchitecture === "x86-64" ? X86_64 : AARCH64;
const OTHER = hostArchitecture === "x86-64" ? "aarch64" : "x86_64";

beforeAll(() => {
  for (const name of ["hello", "block", "net", "net2", "protection"])
    copyFileSync(kitImagePath(name), join(folder, `${name}.spt`));
  copyFileSync(kitImagePath("hello", "hvt"), join(folder, "hello.hvt"));
  copyFileSync(kitImagePath("hello", "spt", OTHER), join(folder, "other.spt"));
  sparseFile(join(folder, "disk.img"), 65536);
  sparseFile(join(folder, "odd.img"), 1000);
  sparseFile(join(folder, "empty.img"), 0);
  mkdirSync(join(folder, "folder"));
  writeFileSync(join(folder, "text"), "#!/bin/sh\n".repeat(100));
  writeFileSync(join(folder, "version3.spt"), buildImage({ machine, abiVersion: 3 }).file);
  writeFileSync(join(folder, "no-abi.spt"), buildImage({ machine, notes: ["manifest"] }).file);
  writeFileSync(join(folder, "no-manifest.spt"), buildImage({ machine, notes: ["abi"] }).file);
});

const HELLO = "Hello from a unikernel.\n";
const BLOCK_OK = (sector: number) => `block: capacity=65536 block_size=${sector}\nblock: ok\n`;
const SECTOR_RULE = "Block size must be a multiple of 2 greater than or equal 512";

const USAGE: Outcome = { end: 1, stdout: "", lines: [], usage: true };
const MISSING: Outcome = { ...USAGE, lines: ["Missing KERNEL operand"] };

const CASES: readonly Case[] = [
  { words: [], outcome: MISSING },
  { words: ["--"], outcome: MISSING },
  { words: ["--mem=512"], outcome: MISSING },
  { words: ["--help"], outcome: USAGE },
  { words: ["--mem=64", "--help", "hello.spt"], outcome: USAGE },
  inOwnWords({
    words: ["--version"],
    outcome: {
      end: 0,
      stdout: "",
      lines: ["skiff-spt tender, version development", `ABI version ${SPT_ABI_VERSION}`],
      usage: false,
    },
  }),
  runs("hello.spt", HELLO),
  runs("hello.spt a b", `${HELLO}Command line: a b\n`),
  runs("hello.spt --version --mem=4", `${HELLO}Command line: --version --mem=4\n`),
  runs("-- hello.spt --mem=4", `${HELLO}Command line: --mem=4\n`),
  runs("--mem=64 -- hello.spt", HELLO),
  runs("--mem=+5 hello.spt", HELLO),
  runs("--mem=5x hello.spt", HELLO),
  runs("--mem=4 --mem=64 hello.spt", HELLO),
  ...["0", "x", ""].map((mib) => refuses(`--mem=${mib} hello.spt`, "Malformed argument to --mem")),
  inOwnWords(refuses("--mem=1 hello.spt", "--mem=1: the image needs at least 2 MiB; give it --mem=2 or more")),
  misuses("--mem", "hello.spt"),
  misuses("--foo", "hello.spt"),
  misuses("-x", "hello.spt"),
  misuses("-", "hello.spt"),
  // The image is looked at before the options.
  refuses("--foo nosuch", "nosuch: Could not open: No such file or directory"),
  inOwnWords(refuses("folder", "folder is a directory; give the path of an image in it")),
  inOwnWords(
    refuses("text", "text: invalid executable: e_ident[EI_MAG0..3] is 23 21 2f 62, expected 7f 45 4c 46 (an ELF file)"),
  ),
  refuses("hello.hvt", "hello.hvt: Executable is not for the solo5-spt target"),
  refuses("version3.spt", "version3.spt: Executable requests unsupported ABI version 3"),
  refuses("no-abi.spt", "no-abi.spt: No Solo5 ABI information found in executable"),
  refuses("no-manifest.spt", "no-manifest.spt: No Solo5 manifest found in executable"),
  inOwnWords(
    refuses(
      "other.spt",
      `other.spt: invalid or unsupported executable: it is for ${OTHER.replace("_", "-")}, this host is ${hostArchitecture}`,
    ),
  ),
  refuses("block.spt", "Device 'storage' of type BLOCK_BASIC declared but not attached.", ATTACH_ALL),
  refuses(
    "net2.spt",
    "Device 'service0' of type NET_BASIC declared but not attached.",
    "Device 'service1' of type NET_BASIC declared but not attached.",
    ATTACH_ALL,
  ),
  runs("--block:storage=disk.img block.spt", BLOCK_OK(512)),
  runs("--block:storage=disk.img --block-sector-size:storage=4096 block.spt", BLOCK_OK(4096)),
  runs("--block-sector-size:storage=32768 --block:storage=disk.img block.spt", BLOCK_OK(32768)),
  runs("--block:storage=empty.img --block:storage=disk.img block.spt", BLOCK_OK(512)),
  refuses("--block:storage=odd.img block.spt", "storage: Backing storage size must be block aligned (512 bytes)"),
  refuses(
    "--block:storage=disk.img --block-sector-size:storage=4096 --block:storage=odd.img block.spt",
    "storage: Backing storage size must be block aligned (4096 bytes)",
  ),
  refuses(
    "--block:storage=empty.img block.spt",
    "storage: Backing storage must be at least 1 block (512 bytes) in size",
  ),
  refuses("--block:storage=nosuch block.spt", "Could not open block device: nosuch: No such file or directory"),
  refuses("--block:storage=folder block.spt", "Could not open block device: folder: Is a directory"),
  refuses(
    "--block-sector-size:storage=4096 block.spt",
    "Device 'storage' of type BLOCK_BASIC declared but not attached.",
    ATTACH_ALL,
  ),
  misuses("--block:other=disk.img", "block.spt", NOT_DECLARED("other")),
  misuses("--block:storage=disk.img", "hello.spt", NOT_DECLARED("storage")),
  misuses("--net:storage=tap0", "block.spt", NOT_DECLARED("storage")),
  misuses("--net-mac:storage=02:00:00:00:00:01", "block.spt", NOT_DECLARED("storage")),
  misuses("--block-sector-size:other=512", "block.spt", NOT_DECLARED("other")),
  misuses("--block:storage=", "block.spt"),
  misuses("--block=disk.img", "block.spt"),
  misuses("--block:=disk.img", "block.spt"),
  ...["256", "1000", "131072", "0"].map((size) =>
    misuses(`--block-sector-size:storage=${size}`, "block.spt", SECTOR_RULE),
  ),
  misuses("--block-sector-size:storage=x", "block.spt"),
  misuses("--net:service=nosuch", "net.spt", "Could not attach interface: nosuch: No such file or directory"),
  misuses("--net:service=@99", "net.spt", "Could not attach interface: @99: Bad file descriptor"),
  misuses("--net:service=@x", "net.spt", "Could not attach interface: @x: Invalid argument"),
  inOwnWords(
    misuses(
      "--net:service=sixteen-bytes-xx",
      "net.spt",
      "Could not attach interface: sixteen-bytes-xx: File name too long",
    ),
  ),
  misuses("--net-mac:service=zz", "net.spt"),
  misuses("--net-mac:service=02:00:00:00:00", "net.spt"),
  refuses(
    "--net-mac:service=02:00:00:00:00:01 net.spt",
    "Device 'service' of type NET_BASIC declared but not attached.",
    ATTACH_ALL,
  ),
  runs("protection.spt heap-execute", "protection: heap-execute\n", "SIGSEGV"),
  inOwnWords({
    words: ["--x-exec-heap", "protection.spt", "heap-execute"],
    outcome: {
      end: 1,
      stdout: "protection: heap-execute\nprotection: heap-execute survived\n",
      lines: ["WARNING: --x-exec-heap makes the guest's heap and stack executable; that is dangerous"],
      usage: false,
    },
  }),
];

const runTender = (words: readonly string[], descriptors: readonly number[] = []): Ended => {
  const [node, file] = tender.command();
  return run(node, [file, ...words], { folder, descriptors });
};
/** The bundle's file is called otherwise than `skiff-spt`. */
const NAME = "program";
const named = ({ outcome }: Case) => ({
  ...outcome,
  lines: outcome.lines.map((line) => line.replace("skiff-spt", NAME)),
});

describe("skiff-spt", () => {
  it.each(CASES.map((one) => [one.words.join(" "), one] as const))("%s", (_, one) => {
    expect(outcomeOf(runTender(one.words), NAME)).toEqual(named(one));
  });

  it("tells every option in its usage", () => {
    const { stderr } = runTender(["--help"]);
    for (const option of [
      "--mem=",
      "--net:NAME=",
      "--net-mac:NAME=",
      "--block:NAME=",
      "--block-sector-size:NAME=",
      "--x-exec-heap",
      "--help",
      "--version",
    ]) {
      expect(stderr).toContain(option);
    }
  });
});

describeWith([root, program("ip", "iproute2")], "skiff-spt on a network", () => {
  const namespace = namespaceOfTests();
  beforeAll(() => {
    namespace.addTap("tap0", "10.0.0.1/24");
    namespace.ip("tuntap add down0 mode tap");
  });
  const here = (words: string, descriptors: readonly number[] = []) =>
    outcomeOf(
      namespace.inside(() => runTender(words.split(" "), descriptors)),
      NAME,
    );

  it("attaches taps by name and by descriptor, with a MAC or without", () => {
    const at = (mac: string) => `service: 10.0.0.2/24 at ${mac}, mtu 1500\nnet: answered 0\n`;
    expect(here("--net:service=tap0 --net-mac:service=02:0:0:0:0:a net.spt --limit=0")).toEqual({
      ...{ end: 0, stdout: at("02:00:00:00:00:0a"), lines: [], usage: false },
    });
    const tap = namespace.inside(() => attachTun("tap0"));
    expect(here("--net:service=@3 net.spt --limit=0", [tap])).toMatchObject({ end: 0, lines: [] });
  });

  it("refuses taps that are down", () => {
    expect(here("--net:service=down0 net.spt")).toEqual({
      ...{ end: 1, stdout: "", usage: true },
      lines: ["Could not attach interface: down0: Network is down", INVALID("--net:service=down0")],
    });
  });
});

const { SKIFF_SOLO5_SPT: upstream = "" } = process.env;
if (upstream !== "") {
  describe(`Solo5's tender, ${upstream}`, () => {
    it.each(CASES.map((one) => [one.words.join(" "), one] as const))("%s", (_, one) => {
      const outcome = outcomeOf(run(upstream, one.words, { folder }), "solo5-spt");
      const { end, stdout, usage } = one.outcome;
      if (one.ownWords) expect(outcome).toMatchObject({ end, stdout, usage });
      else expect(outcome).toEqual(one.outcome);
    });
  });
}
