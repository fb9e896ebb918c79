import { spawnSync } from "node:child_process";
import { BedError } from "./error.ts";

const PACKAGE_BY_PROGRAM: Readonly<Record<string, string>> = {
  "apt-cache": "apt",
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  tar: "tar",
  "qemu-system-aarch64": "qemu-system-arm",
  "qemu-system-x86_64": "qemu-system-x86",
};

/** What a program that the test bed needs, and that is not installed, deserves to be told. */
export function missingProgram(program: string): BedError {
  const owner = PACKAGE_BY_PROGRAM[program];
  return new BedError(`${program} is not installed${owner === undefined ? "" : `: install Debian's package ${owner}`}`);
}

/**
 * Runs a program to its end.
 * @returns its standard output.
 * @throws BedError with the last lines of its standard error where it fails.
 */
export function capture(program: string, args: readonly string[], folder = "/"): string {
  const result = spawnSync(program, args, { cwd: folder, encoding: "utf8", maxBuffer: 64 << 20 });
  if (result.error !== undefined && "code" in result.error && result.error.code === "ENOENT") {
    throw missingProgram(program);
  }
  if (result.status !== 0) {
    const reason = result.stderr.trim().split("\n").slice(-3).join(" / ");
    throw new BedError(
      `${program} ${args.at(0) ?? ""} failed (${result.error?.message ?? `status ${result.status}`}): ${reason}`,
    );
  }
  return result.stdout;
}
