import { probeSkiffRun } from "./skiff-run.ts";
import type { Target } from "./target.ts";

/** Skiff's emulator, as `skiff run` starts it: the AArch64 images, on any host. */
export const SKIFF_EMULATOR: Target = {
  name: "skiff-emulator",
  title: "Skiff, emulator of AArch64",
  probe: async (bench) => probeSkiffRun("emulator", bench),
};
