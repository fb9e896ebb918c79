/** The two tiers against one another, again and again in the course of a run. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { KERNELS_IMAGE } from "../../bench/emulator/guest.ts";
import { KERNELS } from "../../bench/emulator/kernels.ts";
import { MemoryConsole } from "../../src/device/console.ts";
import type { Translation } from "../../src/engine/emulator/processor/processor.ts";
import { parseImage } from "../../src/format/parse.ts";
import { commandLine, HvtMachine } from "../../src/monitor/hvt-machine.ts";
import { describeWith } from "../guests/requirement.ts";
import { kitImagePath } from "../support/guest.ts";
import { SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { ASSEMBLER, loadProgram } from "./bare.ts";
import { LockstepEngine } from "./lockstep/engine.ts";
import { inLockstep, Lockstep } from "./lockstep/lockstep.ts";
import { ProcessorSide } from "./lockstep/side.ts";
import { randomProgram } from "./random-program.ts";

const MEMORY_BYTES = 32 * 2 ** 20;
const PROGRAMS = 20;
/** Between two comparisons of a random program. */
const INSTRUCTIONS_MAX = 2000;
const TIMEOUT_MS = 300_000;

interface Outcome {
  readonly status: number;
  readonly comparisons: number;
  readonly instructions: number;
}

/** Runs an image of the kit; its clock stands still, and what it waits for comes at once. */
function runImage(path: string, words: readonly string[], translation: Translation): Outcome {
  return inLockstep((watch) => {
    const engine = new LockstepEngine(MEMORY_BYTES, translation, watch);
    const machine = new HvtMachine(engine, {
      image: parseImage(readFileSync(path)),
      commandLine: commandLine(words),
      console: new MemoryConsole(),
      clock: { nowNs: () => 1_700_000_000_000_000_000n },
      block: new Map(),
      net: new Map(),
    });
    for (;;) {
      const stop = machine.run();
      if (stop.type === "wait") machine.endWait(0n);
      else if (stop.type === "exit") {
        const { comparisons, count } = engine;
        machine.close();
        return { status: stop.status, comparisons, instructions: count };
      } else if (stop.type !== "interrupted") throw new Error(`${path} ended with ${JSON.stringify(stop)}`);
    }
  });
}

describe.each(["hot", "all"] as const)(
  "in lockstep with the interpreter, with %s of its code translated",
  (translation) => {
    it.each(KERNELS)("the kernel %s", { timeout: TIMEOUT_MS }, (kernel) => {
      const { status, comparisons, instructions } = runImage(KERNELS_IMAGE, [kernel, "5", "1"], translation);
      expect(status).toBe(0);
      expect(comparisons).toBeGreaterThan(10);
      expect(instructions).toBeGreaterThan(100_000);
    });

    it.each([["hello", "a", "b"], ["tls"], ["transitions", "20"], ["fpu"], ["prime", "1"], ["crc32", "1"]])(
      "the image %s",
      { timeout: TIMEOUT_MS },
      (name, ...words) => {
        const { status, comparisons } = runImage(kitImagePath(name, "hvt", "aarch64"), words, translation);
        expect(status).toBe(0);
        expect(comparisons).toBeGreaterThan(1);
      },
    );
  },
);

describeWith([ASSEMBLER], "random programs", () => {
  const folder = temporaryFolder();

  it.each(["hot", "all"] as const)(
    `in lockstep, with %s of their code translated (seed ${SEED})`,
    { timeout: TIMEOUT_MS },
    (translation) => {
      for (let program = 0; program < PROGRAMS; program++) {
        const seed = SEED + program;
        const source = randomProgram(seededRandom(seed));
        const sides = [translation, "none"] as const;
        const comparisons = inLockstep((watch) => {
          const [translated, interpreted] = sides.map(
            (how) => new ProcessorSide(loadProgram(source, folder, { translation: how, counts: true })),
          );
          if (translated === undefined || interpreted === undefined) throw new Error("no side");
          const random = seededRandom(seed);
          const lockstep = new Lockstep(translated, interpreted, watch);
          while (translated.end === undefined) lockstep.advance(random.integer(1, INSTRUCTIONS_MAX));
          return lockstep.comparisons;
        });
        expect(comparisons).toBeGreaterThan(1);
      }
    },
  );
});
