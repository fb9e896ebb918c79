import { describe, expect, it } from "vitest";
import { KERNELS_IMAGE, runImage } from "../../bench/emulator/guest.ts";
import { KERNELS, type Kernel, parseRepeats } from "../../bench/emulator/kernels.ts";
import { NATIVE } from "../../bench/emulator/runners.ts";
import type { Translation } from "../../src/engine/emulator/processor/processor.ts";

/** Each repeat has more turns than what is hot takes. */
const ROUNDS = 5;
const REPEATS = 3;

function checksums(kernel: Kernel, translation: Translation): readonly string[] {
  const { text } = runImage(KERNELS_IMAGE, [kernel, String(ROUNDS), String(REPEATS)], { translation });
  return parseRepeats(kernel, text).map(({ checksum }) => checksum);
}

describe.each(["none", "hot", "all"] as const)("with %s of its code translated", (translation) => {
  it.each(KERNELS)("%s computes what it does natively", (kernel) => {
    const [{ checksum }] = NATIVE.run(kernel, ROUNDS, 1).repeats;
    expect(checksums(kernel, translation)).toEqual(Array.from({ length: REPEATS }, () => checksum));
  });
});

function instructionsOf(rounds: number, translation: Translation): number {
  const { facts } = runImage(KERNELS_IMAGE, ["chase", String(rounds)], { translation, counts: true });
  const { interpreted = 0, translated = 0 } = facts.instructions ?? {};
  return interpreted + translated;
}

it.each(["none", "hot", "all"] as const)("counts instructions, with %s of its code translated", (translation) => {
  // A step of the list is a loop of five, and a round has 65,536 steps.
  expect((instructionsOf(5, translation) - instructionsOf(2, translation)) / (3 * 65_536)).toBeCloseTo(5, 3);
});
