import { closeSync, constants, openSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, bundle } from "../bundle.ts";
import { type Ended, shell, succeed } from "../support/command.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder();
let made: Bundle;
beforeAll(async () => {
  made = await bundle("test/host/replace-process-program.ffi.ts");
});
afterAll(() => made.remove());

const pathOf = (program: string) => realpathSync(succeed("which", program).trim());

/** Runs a shell's lines in which `"$@"` becomes the program, by way of Node. */
function replace(
  script: string,
  inherited: string,
  program: string,
  words: readonly string[] = [],
  descriptors: readonly number[] = [],
): Ended {
  const command = [process.execPath, made.path, inherited, pathOf(program), ...words];
  return shell(script, ["bash", ...command], { descriptors });
}

const flagsOf = (text: string) =>
  [...text.matchAll(/^flags:\s+([0-7]+)$/gm)].map(([, flags = ""]) => Number.parseInt(flags, 8));
const CLOSE_ON_EXEC = 0o2000000;

describe("a process replaced", () => {
  it("finds no environment", () => {
    expect(replace('VARIABLE=value "$@"', "", "env")).toEqual({ end: 0, stdout: "", stderr: "" });
  });

  it("has the pid of Node's process, and every word", () => {
    const { stdout } = replace('"$@" & echo $!; wait', "", "bash", ["-c", 'echo "$$ $0 $*"', "a", "b  c", ""]);
    const [pid] = stdout.split("\n");
    expect(stdout).toBe(`${pid}\n${pid} a b  c \n`);
  });

  it("finds pipes blocking that were, and signals unblocked", () => {
    const words = ["/proc/self/fdinfo/0", "/proc/self/fdinfo/1", "/proc/self/fdinfo/2", "/proc/self/status"];
    // `tee` copies: a pipe whose flags Node changes would be seen as such by all who share it.
    const { stdout } = replace('true | "$@" 2> >(cat) | cat', "", "cat", words);
    expect(flagsOf(stdout)).toHaveLength(3);
    for (const flags of flagsOf(stdout)) expect(flags & (constants.O_NONBLOCK | CLOSE_ON_EXEC)).toBe(0);
    for (const field of ["SigBlk", "SigIgn"]) expect(stdout).toContain(`${field}:\t${"0".repeat(16)}\n`);
  });

  it("finds a pipe without blocking that was so", () => {
    const path = join(folder, "fifo");
    succeed("mkfifo", path);
    const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const { stderr } = replace('"$@" <&3 >&2 3<&-', "", "cat", ["/proc/self/fdinfo/0"], [descriptor]);
    closeSync(descriptor);
    expect(flagsOf(stderr).map((flags) => flags & constants.O_NONBLOCK)).toEqual([constants.O_NONBLOCK]);
  });

  it("finds the descriptors that it is to inherit, and no other", () => {
    const list = ["-c", "echo /proc/$$/fd/*"];
    const numbers = (text: string) => [...text.matchAll(/\/fd\/(\d+)/g)].map(([, number]) => Number(number));
    const script = '"$@" 5</dev/null 6</dev/null 8</dev/null';
    const dash = (inherited: string) => numbers(replace(script, inherited, "sh", list).stdout);
    // The shell opens one more to read the folder; Node leaves those alone that come after a gap.
    const small = (inherited: string) => dash(inherited).filter((number) => number > 3 && number < 16);
    expect(small("")).toEqual([]);
    expect(small("6,8")).toEqual([6, 8]);
  });

  it("finds closed what was closed: Node opens /dev/null there", () => {
    const { stdout } = replace('"$@" <&-', "", "readlink", ["/proc/self/fd/0"]);
    expect(stdout).toBe("/dev/null\n");
  });
});

describe("a process that cannot be replaced", () => {
  it("is told by a HostError", () => {
    const command = [process.execPath, made.path, "", "/etc/passwd"];
    const { end, stderr } = shell('"$@"', ["bash", ...command]);
    expect(end).toBe(1);
    expect(stderr).toMatch(/HostError: \/proc\/self\/fd\/\d+: execve failed with errno 8/);
  });
});
