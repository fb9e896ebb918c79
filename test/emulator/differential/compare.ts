/** Finds where two runs of a program differ, and says it in words. */
import { disassemble } from "../../../src/engine/emulator/instruction/disassemble.ts";
import { BLOCK, type Case, DATA_BYTES } from "./program.ts";

/** A register's 64 bits, or half a vector's, that a case left otherwise than it should. */
export interface Difference {
  /** Of the case; undefined where memory differs, which all cases use. */
  readonly index: number | undefined;
  readonly text: string;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function registerAt(offset: number): string {
  if (offset < BLOCK.sp) return `x${Math.floor(offset / 8)}`;
  if (offset >= BLOCK.vectors) {
    const half = (offset - BLOCK.vectors) % 16 === 0 ? "low" : "high";
    return `v${Math.floor((offset - BLOCK.vectors) / 16)} (${half})`;
  }
  return ["sp", "nzcv", "fpcr", "fpsr"][(offset - BLOCK.sp) / 8] ?? "";
}

/** @param results as `Program.results` has them. @returns the first difference; undefined where there is none. */
export function findDifference(
  cases: readonly Case[],
  results: Uint8Array,
  expected: Uint8Array,
): Difference | undefined {
  const [mine, reference] = [viewOf(results), viewOf(expected)];
  for (const index of cases.keys()) {
    const block = DATA_BYTES + index * BLOCK.bytes;
    for (let at = 0; at < BLOCK.bytes; at += 8) {
      const [a, b] = [mine.getBigUint64(block + at, true), reference.getBigUint64(block + at, true)];
      if (a === b) continue;
      return { index, text: `${registerAt(at)} is 0x${a.toString(16)}, in QEMU 0x${b.toString(16)}` };
    }
  }
  for (let at = 0; at < DATA_BYTES; at++) {
    const [a, b] = [results[at], expected[at]];
    if (a !== b) return { index: undefined, text: `memory at ${at} is ${a}, in QEMU ${b}` };
  }
  return undefined;
}

/** A case's instructions and registers, to do it again by hand. */
export function describeCase({ words, registers }: Case): string {
  const before = viewOf(registers);
  const inputs = Array.from({ length: BLOCK.bytes / 8 }, (_, slot) => {
    return `${registerAt(8 * slot)}=${before.getBigUint64(8 * slot, true).toString(16)}`;
  });
  const text = words.map((word) => `  ${word.toString(16).padStart(8, "0")} ${disassemble(word, 0)}`);
  return `${text.join("\n")}\n${inputs.join(" ")}`;
}
