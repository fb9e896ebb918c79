// node scripts/run-ts.mjs bench/emulator/once.ts [--interpret] [--count] KERNEL [ROUNDS [REPEATS]]
import { useLaterWebAssembly } from "../../src/host/webassembly.ts";
import { runGuest } from "./guest.ts";

// As `skiff run` does.
useLaterWebAssembly();
runGuest(process.argv.slice(2));
