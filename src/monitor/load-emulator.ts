import * as emulator from "../engine/emulator/engine.ts";

/** The emulator. What scripts/build.mjs makes loads it here and not before: its tables cost milliseconds. */
export function loadEmulator(): typeof emulator {
  return emulator;
}
