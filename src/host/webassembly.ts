/** What of WebAssembly this process' V8 can do, and does not do unasked. */
import { setFlagsFromString } from "node:v8";

const HINTS = "--experimental-wasm-branch-hinting";
/** By Node's major version: what it has behind flags of V8, which says so on stderr where it does not know one. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  "20": ["--experimental-wasm-relaxed-simd", HINTS],
  "22": [HINTS],
  "24": [HINTS],
};

/**
 * Takes in what translated code of the emulator is faster with: vectors' instructions that round once, and hints on which
 * branches are rare. It holds for the whole process and the modules that it compiles from then on, so it is for Skiff's own
 * programs alone.
 */
export function useLaterWebAssembly(): void {
  const [major = ""] = process.versions.node.split(".");
  for (const flag of FLAGS[major] ?? []) setFlagsFromString(flag);
}
