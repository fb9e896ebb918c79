// node scripts/run-ts.mjs bench/emulator/once.ts KERNEL [ROUNDS [REPEATS]]
import { runGuest } from "./guest.ts";

runGuest(process.argv.slice(2));
