import { expect, test } from "vitest";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../../src/host/probe/manifest.ts";
import { findProgram } from "../../../src/host/probe/program.ts";
import { makeWorkbench } from "../../../src/lab/make-workbench.ts";
import { SOLO5_SPT } from "../../../src/lab/target/solo5.ts";
import { testBatch, testServer, trialOf } from "./trial.ts";

// No Debian package has it: where it is not there, what a user reads then is tested.
if (findProgram("solo5-spt") === undefined) {
  test("solo5-spt is listed with the way to get it", async () => {
    const { bench, close } = makeWorkbench(await probeHost(await loadProbeLibc()), "0.0.0");
    try {
      expect(await SOLO5_SPT.probe(bench)).toEqual({
        available: false,
        reason: "solo5-spt is not on PATH",
        mend: expect.stringContaining("github.com/Solo5/solo5"),
      });
    } finally {
      await close();
    }
  });
} else {
  const trial = trialOf(SOLO5_SPT);
  testBatch(trial);
  testServer(trial, "tap");
}
