import { expect, test } from "vitest";
import { SKIFF_PROCESS } from "../../../src/lab/target/skiff-process.ts";
import { describeWith, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

describeWith([root], SKIFF_PROCESS.title, () => {
  const trial = trialOf(SKIFF_PROCESS);
  testBatch(trial);
  testServer(trial, "tap");

  test("tells what it leaves the workload", async () => {
    const security = await securityOf(trial);
    expect(security).toMatchObject({ kernel: "host", namespaces: [], noNewPrivileges: true });
    expect(security.systemCalls).toBeGreaterThan(3);
    expect(security.systemCalls).toBeLessThan(20);
  });
});
