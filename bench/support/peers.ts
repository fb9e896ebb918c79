import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** A temporary folder that goes with this process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Path of a program on PATH, or undefined. */
export function onPath(program: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(existsSync);
}

/** A static C program that writes one line by the C library; undefined where there is no compiler. */
export function staticHello(folder: string): string | undefined {
  if (onPath("gcc") === undefined) return undefined;
  const source = join(folder, "hello.c");
  const program = join(folder, "hello-glibc");
  writeFileSync(source, '#include <stdio.h>\nint main(void) { puts("Hello from C."); return 0; }\n');
  execFileSync("gcc", ["-O2", "-static", "-o", program, source]);
  return program;
}

/** Folder name of this architecture's guests. */
export const GUEST_ARCHITECTURE = process.arch === "arm64" ? "aarch64" : "x86_64";
