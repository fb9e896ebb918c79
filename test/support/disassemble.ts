import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "../../src/format/image.ts";
import { succeed } from "./command.ts";
import { type Need, program } from "./needs.ts";

const OBJDUMP = {
  "x86-64": {
    program: process.arch === "x64" ? "objdump" : "x86_64-linux-gnu-objdump",
    options: ["-m", "i386:x86-64", "-M", "intel"],
  },
  aarch64: { program: process.arch === "arm64" ? "objdump" : "aarch64-linux-gnu-objdump", options: ["-m", "aarch64"] },
} as const satisfies Record<Architecture, unknown>;

export function disassembler(architecture: Architecture): Need {
  const name = OBJDUMP[architecture].program;
  return program(name, name === "objdump" ? "binutils" : `binutils-${name.replace(/_/g, "-").replace("-objdump", "")}`);
}

/** One instruction as binutils write it, without the comment behind it, and with one space between words. */
export interface Instruction {
  readonly address: number;
  readonly text: string;
}

/** Disassembles code that lies at `address`, by binutils. */
export function disassemble(folder: string, architecture: Architecture, code: Uint8Array, address = 0): Instruction[] {
  const file = join(folder, `${architecture}.code`);
  writeFileSync(file, code);
  const { program, options } = OBJDUMP[architecture];
  const listing = succeed(
    program,
    "-D",
    "-z",
    "-b",
    "binary",
    ...options,
    "--no-show-raw-insn",
    `--adjust-vma=${address}`,
    file,
  );
  const lines = listing.split("\n").flatMap((line) => /^\s*([0-9a-f]+):\t(.*)$/.exec(line) ?? []);
  return Array.from({ length: lines.length / 3 }, (_, index) => ({
    address: Number.parseInt(lines[3 * index + 1] ?? "", 16),
    text: normalise(lines[3 * index + 2] ?? ""),
  }));
}

/** Addresses instead of distances, and no REX prefix that changes nothing: binutils name it where there is one. */
function normalise(text: string): string {
  return text
    .replace(/\[rip\+0x[0-9a-f]+\]\s+# (0x[0-9a-f]+)/, "[$1]")
    .replace(/\s*(\/\/|<).*$/, "")
    .replace(/^rex /, "")
    .replace(/\s+/g, " ")
    .trim();
}
