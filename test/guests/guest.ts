import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Requirement } from "./requirement.ts";

export const GUESTS = resolve(import.meta.dirname, "../../guests");

export const ARCHITECTURES = ["x86_64", "aarch64"] as const;
export type GuestArchitecture = (typeof ARCHITECTURES)[number];

const HOST_ARCHITECTURE: GuestArchitecture = process.arch === "arm64" ? "aarch64" : "x86_64";
const TIME_LIMIT_MS = 60_000;

/** What the native programs of an architecture need to run on this host. */
export function requirementsOf(architecture: GuestArchitecture): readonly Requirement[] {
  return architecture === HOST_ARCHITECTURE ? [] : [[`qemu-${architecture}`, "qemu-user"]];
}

/** The command that runs a native program here, by emulation where it is of the other architecture. */
export function nativeCommand(architecture: GuestArchitecture, name: string): readonly [string, ...string[]] {
  const path = join(GUESTS, "native", architecture, name);
  return architecture === HOST_ARCHITECTURE ? [path] : [`qemu-${architecture}`, path];
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

export function runNative(architecture: GuestArchitecture, name: string, ...words: string[]): Outcome {
  const [program, ...prefix] = nativeCommand(architecture, name);
  const { status, signal, stdout, error } = spawnSync(program, [...prefix, ...words], {
    encoding: "utf8",
    timeout: TIME_LIMIT_MS,
    maxBuffer: 64 << 20,
  });
  if (error !== undefined) throw error;
  return { status, signal, output: stdout };
}

/** Every file below a folder, by its path from there, sorted. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
