/** What a file of tests runs in CI: two files, so that both processors of a host have something to do. */
import { expect, it } from "vitest";
import { describeWith } from "../../guests/requirement.ts";
import { SEED, seededRandom } from "../../support/random.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { checkRound, TIMES_A_ROW } from "./rounds.ts";

/** In the two parts together each row 560 times in both tiers, a million instructions. */
const INSTRUCTIONS_MIN = 500_000;
const PARTS = 2;

/** @param part from 0 on; each has a seed of its own. @param options of `main.ts`, that the file chose. */
export function testPart(part: number, options: string): void {
  const folder = temporaryFolder();
  const seed = PARTS * SEED + part;
  describeWith([["qemu-aarch64", "qemu-user"]], "the emulator's two tiers", () => {
    it(`do what QEMU does, ${TIMES_A_ROW} times a row (${options}--seed ${seed})`, { timeout: 900_000 }, () => {
      let instructions = 0;
      for (const count of checkRound({ random: seededRandom(seed), folder })) {
        instructions += count;
      }
      expect(instructions).toBeGreaterThan(INSTRUCTIONS_MIN);
    });
  });
}
