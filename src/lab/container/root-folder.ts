import { spawnSync } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Lack, lack, SampleError } from "../lack.ts";
import { kitFile, type Program } from "../program.ts";

/** A root file system that holds one program and what it needs, and nothing else. */
export interface RootFolder {
  /** Its place on this host. */
  readonly path: string;
  /** The program's command line inside. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The folder inside in which the program may write; each start binds an empty one there. */
  readonly writes: string | undefined;
  /** Files of the program lie below /tmp: then nothing may be mounted there. */
  readonly hasTmp: boolean;
  /** Bytes of all files. */
  readonly sizeBytes: number;
}

/** Where containers mount file systems of their own; there from the start, as the root is read-only. */
const MOUNT_POINTS = ["proc", "dev", "sys", "tmp"];
const LDD_LIMIT_MS = 5_000;

/** Why a program cannot run in a container; undefined where it can. */
export function refuseInContainer(program: Program): Lack | undefined {
  if (program.kind === "image") return lack("an image is not a Linux program");
  if (program.kind === "host") return undefined;
  return kitFile(program, "linux") === undefined ? lack(`the kit has no Linux build of ${program.name}`) : undefined;
}

/**
 * Copies a program with its shared libraries and files below a folder.
 * @throws SampleError where a part of it is not there.
 */
export function makeRootFolder(program: Program, path: string): RootFolder {
  for (const folder of MOUNT_POINTS) mkdirSync(join(path, folder), { recursive: true });
  const made = program.kind === "kit" ? kitParts(program) : hostParts(program);
  for (const { from, to } of made.files) copyInto(path, from, to);
  if (made.writes !== undefined) mkdirSync(join(path, made.writes), { recursive: true });
  const { words, environment, writes } = made;
  const hasTmp = made.files.some(({ to }) => to.startsWith("/tmp/"));
  return { path, words, environment, writes, hasTmp, sizeBytes: sizeOf(path) };
}

interface Parts extends Pick<RootFolder, "words" | "environment" | "writes"> {
  /** What lies where on the host, and where inside. */
  readonly files: readonly { readonly from: string; readonly to: string }[];
}

function kitParts(program: Extract<Program, { kind: "kit" }>): Parts {
  const from = kitFile(program, "linux");
  if (from === undefined) throw new SampleError(`there is no Linux build of ${program.name}`);
  const to = `/${basename(from)}`;
  const words = [to, `--mem=${program.memoryMib}`, ...program.args];
  return { files: [{ from, to }], words, environment: {}, writes: undefined };
}

function hostParts(program: Exclude<Program, { kind: "kit" }>): Parts {
  if (program.kind === "image") throw new SampleError("an image is not a Linux program");
  const { path, args, reads, writes, environment = {} } = program;
  const files = [path, ...sharedLibraries(path), ...reads].map((file) => ({ from: file, to: file }));
  return { files, words: [path, ...args], environment, writes };
}

/** Absolute paths of the libraries that the loader takes, itself included; none for a static program. */
export function sharedLibraries(executable: string): string[] {
  const { stdout, error } = spawnSync("ldd", [executable], {
    encoding: "utf8",
    timeout: LDD_LIMIT_MS,
    env: { ...process.env, LC_ALL: "C" },
  });
  if (error !== undefined) throw new SampleError(`ldd ${executable}: ${error.message}`, { cause: error });
  return parseLdd(stdout, executable);
}

/**
 * Paths in the output of ldd(1): `libm.so.6 => /lib/…/libm.so.6 (0x…)`, and the loader's own `/lib64/ld-… (0x…)`.
 * @throws SampleError where a library is `not found`.
 */
export function parseLdd(output: string, executable: string): string[] {
  return output.split("\n").flatMap((line) => {
    const missing = /^\s*(\S+) => not found/.exec(line)?.[1];
    if (missing !== undefined) throw new SampleError(`${executable} needs ${missing}, which is not found`);
    return /(?:^|\s)(\/\S+) \(0x[0-9a-f]+\)$/.exec(line)?.[1] ?? [];
  });
}

function copyInto(root: string, from: string, to: string): void {
  const target = join(root, to);
  mkdirSync(dirname(target), { recursive: true });
  try {
    cpSync(realpathSync(from), target, { recursive: true, dereference: true });
  } catch (error) {
    throw new SampleError(`${from} cannot be copied: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Bytes of the files below a folder, links not followed. */
export function sizeOf(path: string): number {
  if (!lstatSync(path).isDirectory()) return lstatSync(path).isFile() ? statSync(path).size : 0;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
