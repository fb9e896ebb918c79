// node scripts/run-ts.mjs bench/emulator/once.ts [--interpret] [--count] KERNEL [ROUNDS [REPEATS]]
import { runGuest } from "./guest.ts";

runGuest(process.argv.slice(2));
