import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { filesBelow, GUESTS } from "./guest.ts";
import { describeWith } from "./requirement.ts";

/** Debian 12's: another compiler makes other bytes. */
const GCC_VERSION = "12.2.0";
const BINUTILS_VERSION = "(GNU Binutils for Debian) 2.40";
const BUILD_LIMIT_MS = 280_000;

const PREFIXES = ["x86_64-linux-gnu-", "aarch64-linux-gnu-"] as const;
const FOREIGN = process.arch === "arm64" ? "x86-64-linux-gnu" : "aarch64-linux-gnu";

const folder = mkdtempSync(join(tmpdir(), "skiff-guests-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, ...words: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: "utf8", timeout: BUILD_LIMIT_MS });
  if (error !== undefined) throw error;
  expect(status, stderr).toBe(0);
  return stdout;
}

describeWith(
  [
    ["make", "make"],
    ["x86_64-linux-gnu-gcc", process.arch === "arm64" ? `gcc-${FOREIGN}` : "gcc"],
    ["aarch64-linux-gnu-gcc", process.arch === "arm64" ? "gcc" : `gcc-${FOREIGN}`],
  ],
  "the committed guests",
  () => {
    it.each(PREFIXES)("are of the tools that %sgcc and -ld are", (prefix) => {
      expect(run(`${prefix}gcc`, "-dumpfullversion").trim(), "Debian 12's gcc builds the guests").toBe(GCC_VERSION);
      expect(run(`${prefix}ld`, "--version"), "Debian 12's binutils link the guests").toContain(BINUTILS_VERSION);
    });

    it("are what their sources build, byte for byte", { timeout: BUILD_LIMIT_MS }, () => {
      run("make", "-C", GUESTS, "-j2", `OUT=${join(folder, "build")}`, `DEST=${join(folder, "made")}`, "images");
      for (const kind of ["images", "native"]) {
        const made = join(folder, "made", kind);
        const committed = join(GUESTS, kind);
        expect(filesBelow(committed)).toEqual(filesBelow(made));
        const different = filesBelow(made).filter(
          (path) => !readFileSync(join(made, path)).equals(readFileSync(join(committed, path))),
        );
        expect(different, "mend: make -C guests images").toEqual([]);
      }
    });
  },
);
