/** The ways to run a kernel, each in a process of its own. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { GUEST_ARCHITECTURE, onPath } from "../support/peers.ts";
import { ROOT } from "../support/report.ts";
import type { GuestFacts } from "./guest.ts";
import { type Kernel, parseRepeats, type Repeat } from "./kernels.ts";

export interface Run {
  readonly repeats: readonly [Repeat, ...Repeat[]];
  /** From the process' start to its end. */
  readonly wholeNs: number;
}

export interface Runner<R extends Run = Run> {
  readonly name: string;
  run(kernel: Kernel, rounds: number, repeats: number): R;
}

export interface SkiffRun extends Run {
  readonly facts: GuestFacts;
}

const RUN_LIMIT_MS = 300_000;

/** What the runners need of the host, and the Debian packages that bring it. */
const PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ["qemu-aarch64", "qemu-user"],
  ["qemu-system-aarch64", "qemu-system-arm"],
  ["make", "make"],
  ["aarch64-linux-gnu-gcc", process.arch === "arm64" ? "gcc" : "gcc-aarch64-linux-gnu"],
];

/** Debian packages without which the runners cannot be made. */
export function missingPackages(): readonly string[] {
  return PROGRAMS.filter(([program]) => onPath(program) === undefined).map(([, name]) => name);
}

function runProgram(program: string, words: readonly string[]): { readonly text: string; readonly wholeNs: number } {
  const before = process.hrtime.bigint();
  const { status, signal, stdout, stderr, error } = spawnSync(program, words, {
    encoding: "utf8",
    timeout: RUN_LIMIT_MS,
  });
  const wholeNs = Number(process.hrtime.bigint() - before);
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${words.join(" ")} ended with ${signal ?? status}: ${stdout}${stderr}`);
  return { text: stdout, wholeNs };
}

function runner(name: string, program: string, words: (guestWords: readonly string[]) => readonly string[]): Runner {
  return {
    name,
    run: (kernel, rounds, repeats) => {
      const { text, wholeNs } = runProgram(program, words([kernel, String(rounds), String(repeats)]));
      return { repeats: parseRepeats(kernel, text), wholeNs };
    },
  };
}

/** Bundles `once.ts`, so that all runs are of the sources as they are now. @returns the program's path. */
export function bundleSkiff(folder: string): string {
  const outfile = join(folder, "once.mjs");
  const entryPoints = [join(ROOT, "bench/emulator/once.ts")];
  buildSync({ entryPoints, outfile, bundle: true, platform: "node", target: "node20", format: "esm" });
  return outfile;
}

/** @param program as `bundleSkiff` makes it. @param options of `once.ts`. */
export function skiffRunner(name: string, program: string, options: readonly string[]): Runner<SkiffRun> {
  return {
    name,
    run: (kernel, rounds, repeats) => {
      const words = [program, ...options, kernel, String(rounds), String(repeats)];
      const { text, wholeNs } = runProgram(process.execPath, words);
      const end = text.lastIndexOf("\n", text.length - 2) + 1;
      return {
        repeats: parseRepeats(kernel, text.slice(0, end)),
        wholeNs,
        facts: JSON.parse(text.slice(end)) as GuestFacts,
      };
    },
  };
}

export const QEMU_USER = runner("qemu-aarch64", "qemu-aarch64", (words) => [
  ...["-cpu", "max", join(ROOT, "guests/native/aarch64/kernels")],
  ...words,
]);

export const NATIVE = runner("native", join(ROOT, "guests/native", GUEST_ARCHITECTURE, "kernels"), (words) => words);

/** @param program as `buildVirtProgram` makes it. */
export function qemuSystem(name: string, program: string, options: readonly string[]): Runner {
  return runner(name, "qemu-system-aarch64", (words) => [
    ...["-M", "virt", "-cpu", "max", "-m", "128M", "-nodefaults", "-display", "none", "-serial", "stdio", ...options],
    ...["-semihosting-config", ["enable=on", "target=native", ...words.map((word) => `arg=${word}`)].join(",")],
    ...["-kernel", program],
  ]);
}

/** With one nanosecond on the guest's clock for each instruction, whatever that takes. */
export function instructionCounter(program: string): Runner {
  return qemuSystem("instructions", program, ["-icount", "shift=0"]);
}
