// Compares the emulator with QEMU for as long as is wanted: npm run test:differential [-- --rounds N --seed N --later]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findProgram } from "../../../src/host/probe/program.ts";
import { useLaterWebAssembly } from "../../../src/host/webassembly.ts";
import { seededRandom } from "../../support/random.ts";
import { checkRound } from "./rounds.ts";

const ROUNDS = 10;
const SEED_LIMIT = 2 ** 31;

class CommandError extends Error {}

function wholeNumber(option: string, text: string, max: number): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text);
  throw new CommandError(`--${option} ${text}: give a whole number from 1 to ${max}`);
}

function readOptions(words: readonly string[]): {
  readonly rounds: number;
  readonly seed: number;
  readonly later: boolean;
} {
  const options = { rounds: { type: "string" }, seed: { type: "string" }, later: { type: "boolean" } } as const;
  let given: { readonly rounds?: string; readonly seed?: string; readonly later?: boolean };
  try {
    given = parseArgs({ args: [...words], options }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split(/[.\n]/);
    throw new CommandError(`${line}; there are --rounds N, --seed N and --later`);
  }
  const seed = given.seed ?? String(1 + Math.floor(Math.random() * (SEED_LIMIT - 1)));
  return {
    rounds: wholeNumber("rounds", given.rounds ?? String(ROUNDS), Number.MAX_SAFE_INTEGER),
    seed: wholeNumber("seed", seed, SEED_LIMIT - 1),
    later: given.later ?? false,
  };
}

/** Each round has a seed of its own, which repeats it alone. With `later`, WebAssembly is as in `skiff run`. */
function run(words: readonly string[]): void {
  const { rounds, seed, later } = readOptions(words);
  if (later) useLaterWebAssembly();
  if (findProgram("qemu-aarch64") === undefined) throw new CommandError("there is no qemu-aarch64; install qemu-user");
  const folder = mkdtempSync(join(tmpdir(), "skiff-differential-"));
  try {
    let instructions = 0;
    for (let round = 0; round < rounds; round++) {
      const own = (seed + round) % SEED_LIMIT;
      try {
        for (const count of checkRound({ random: seededRandom(own), folder })) {
          instructions += count;
        }
      } catch (error) {
        console.log(`differs: repeat with --rounds 1 --seed ${own}${later ? " --later" : ""}`);
        throw error;
      }
      console.log(`round ${round + 1} of ${rounds}, seed ${own}: ${instructions} instructions so far, no difference`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
