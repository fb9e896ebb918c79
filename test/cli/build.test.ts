import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AARCH64, buildImage, X86_64 } from "../format/build-image.ts";
import { run, shell } from "../support/command.ts";
import { readExecutable } from "../support/elf-reader.ts";
import { hostArchitecture, kitImagePath } from "../support/guest.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const folder = temporaryFolder();
const skiff = bundledSkiff();
const NOTHING = { end: 0, stdout: "", stderr: "" };
const target = (name: string) => join(folder, name);

describe("skiff build", () => {
  it("writes an executable that needs neither Skiff nor Node", () => {
    const path = target("hello");
    expect(skiff.run(["build", kitImagePath("hello"), "-o", path])).toEqual(NOTHING);
    expect(run(path, ["over", "the sea"])).toEqual({
      ...NOTHING,
      stdout: "Hello from a unikernel.\nCommand line: over the sea\n",
    });
    const { parts } = readExecutable(readFileSync(path));
    const INTERPRETER = 3;
    expect(parts.some(({ type }) => type === INTERPRETER)).toBe(false);
  });

  it("lays it out for the largest pages that the image allows", () => {
    const alignments = (path: string) => [
      ...new Set(
        readExecutable(readFileSync(path))
          .parts.slice(0, -1)
          .map((part) => part.alignBytes),
      ),
    ];
    skiff.run(["build", kitImagePath("hello"), "-o", target("large")]);
    expect(alignments(target("large"))).toEqual([65536]);
    const small = target("small.spt");
    writeFileSync(small, buildImage({ machine: hostArchitecture === "x86-64" ? X86_64 : AARCH64 }).file);
    expect(skiff.run(["build", small, "-o", target("small")])).toEqual(NOTHING);
    expect(alignments(target("small"))).toEqual([4096]);
  });

  it("builds for the other architecture as well", () => {
    const [architecture, machine] = hostArchitecture === "x86-64" ? ["aarch64", AARCH64] : ["x86_64", X86_64];
    expect(
      skiff.run(["build", kitImagePath("net", "spt", `${architecture}`), "--net", "service=@3", "-o", target("other")]),
    ).toEqual(NOTHING);
    expect(readExecutable(readFileSync(target("other"))).machine).toBe(machine);
  });

  it("fixes memory, capacity and sectors", () => {
    const words = [
      "--mem",
      "9",
      "-b",
      "storage=@5,capacity=2M,sector=2048",
      "-o",
      target("block"),
      kitImagePath("block"),
    ];
    expect(skiff.run(["build", ...words])).toEqual(NOTHING);
    const disk = sparseFile(target("disk.img"), 2 * 2 ** 20);
    expect(shell('"$0" 5<>"$1"', [target("block"), disk])).toEqual({
      ...NOTHING,
      stdout: "block: capacity=2097152 block_size=2048\nblock: ok\n",
    });
    expect(shell('"$0" 3<>"$1"', [target("block"), disk])).toEqual(
      mistake("block device 'storage' (descriptor 5) must be open and hold 2097152 bytes, as at build", "block"),
    );
  });

  it("writes over what stood there, in one step, with the rights that are usual", () => {
    const path = target("again");
    writeFileSync(path, "x".repeat(2 ** 20), { mode: 0o600 });
    const umask = process.umask(0o027);
    expect(skiff.run(["build", kitImagePath("status"), "-o", path])).toEqual(NOTHING);
    process.umask(umask);
    expect(statSync(path).mode & 0o777).toBe(0o750);
    expect(run(path, ["3"]).end).toBe(3);
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("makes the same executable of the same image", () => {
    for (const name of ["first", "second"]) {
      mkdirSync(target(name));
      skiff.run(["build", kitImagePath("hello"), "-o", join(target(name), "hello")]);
    }
    expect(readFileSync(target("first/hello")).equals(readFileSync(target("second/hello")))).toBe(true);
  });

  it("takes the longest names that files can have", () => {
    const long = target("n".repeat(255));
    expect(skiff.run(["build", kitImagePath("status"), "-o", long])).toEqual(NOTHING);
    expect(run(long, ["9"]).end).toBe(9);
  });
});

describe("skiff build refuses", () => {
  const hello = kitImagePath("hello");
  const block = kitImagePath("block");
  const out = ["-o", target("out")];
  const BY_CAPACITY =
    "--block storage=…: an executable takes a file by descriptor and capacity; give --block storage=@3,capacity=64M";
  const HELP = "skiff build --help shows what there is";

  it.each<[string, readonly string[], string]>([
    ["no output", [hello], `required option '-o, --output <FILE>' not specified; ${HELP}`],
    ["no image", out, `missing required argument 'image'; ${HELP}`],
    [
      "words behind the image",
      [hello, "word", ...out],
      `too many arguments for 'build'. Expected 1 argument but got 2; ${HELP}`,
    ],
    ["an image that is not there", ["absent.spt", ...out], "absent.spt does not exist; give the path of an image"],
    [
      "too little memory",
      ["--mem", "1", hello, ...out],
      "--mem 1: the image needs at least 2 MiB; give it --mem 2 or more",
    ],
    [
      "a device left out",
      [block, ...out],
      "the image declares the block device 'storage', which is not attached; add --block storage=disk.img",
    ],
    ["a disk by its name", ["-b", "storage=disk.img,capacity=1M", block, ...out], BY_CAPACITY],
    ["a disk without its capacity", ["-b", "storage=@3", block, ...out], BY_CAPACITY],
    [
      "half a sector",
      ["-b", "storage=@3,capacity=1000", block, ...out],
      "--block storage=…: capacity=1000 is not a whole number of 512-byte sectors",
    ],
    [
      "a capacity without end",
      ["-b", "storage=@3,capacity=999999999999G", block, ...out],
      "capacity=999999999999G: give a number of bytes below 2^53, with K, M or G for powers of 1024",
    ],
    [
      "a tap by its name",
      ["-n", "service=tap0", kitImagePath("net"), ...out],
      "--net service=tap0: an executable takes a tap by descriptor; give --net service=@3",
    ],
    [
      "standard output as a tap",
      ["-n", "service=@1", kitImagePath("net"), ...out],
      "--net service=@1: give the number of an inherited descriptor from @3 up; 0 to 2 are standard input and output",
    ],
    ["a folder as output", [hello, "-o", folder], `-o ${folder}: that is a directory; give the name of a file`],
    [
      "a folder that is not there",
      [hello, "-o", target("no/where")],
      `-o ${target("no/where")}: there is no such directory; make it with mkdir -p`,
    ],
    ["no name", [hello, "-o", ""], "-o '': give the name of a file"],
    [
      "a name that is too long",
      [hello, "-o", target("n".repeat(256))],
      `-o ${target("n".repeat(256))}: the name is too long; give a shorter one`,
    ],
  ])("%s, in one line with the mend, and writes nothing", (_, words, line) => {
    const before = readdirSync(folder);
    expect(skiff.run(["build", ...words])).toEqual(mistake(line));
    expect(readdirSync(folder)).toEqual(before);
  });

  it("to take the place of what is no regular file, as a device is none", () => {
    shell('mkfifo "$0"', [target("fifo")]);
    expect(skiff.run(["build", hello, "-o", target("fifo")])).toEqual(
      mistake(`-o ${target("fifo")}: that is not a regular file; give the name of a file`),
    );
    expect(statSync(target("fifo")).isFIFO()).toBe(true);
  });

  it("more than files may hold, and leaves nothing there", () => {
    const script = 'ulimit -f 16; trap "" XFSZ; exec "$@"';
    const before = readdirSync(folder);
    const outcome = shell(script, ["bash", ...skiff.command(), "build", hello, "-o", target("full")]);
    expect(outcome).toEqual(
      mistake(`-o ${target("full")}: the executable is larger than a file may be; raise the limit with ulimit -f`),
    );
    expect(readdirSync(folder)).toEqual(before);
  });
});
