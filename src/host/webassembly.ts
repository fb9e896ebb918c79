/** What of WebAssembly this process' V8 can do, and does not do unasked. */
import { setFlagsFromString } from "node:v8";

/** Shipped in later releases than Node 20 (V8 11.3), which has them all the same. */
const LATER = ["--experimental-wasm-relaxed-simd", "--experimental-wasm-branch-hinting"] as const;

/**
 * Makes Node 20 take what translated code of the emulator is faster with: vectors' instructions that round once, and hints on
 * which branches are rare. It holds for the whole process and the modules that it compiles from then on, so it is for Skiff's
 * own programs alone.
 */
export function useLaterWebAssembly(): void {
  if (process.versions.node.startsWith("20.")) for (const flag of LATER) setFlagsFromString(flag);
}
