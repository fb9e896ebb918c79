import { expect, test } from "vitest";
import { RUNSC } from "../../../src/lab/target/runsc.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

describeWith([root, program("runsc", "runsc")], "runsc", () => {
  const trial = trialOf(RUNSC);
  testBatch(trial);
  testServer(trial, "veth");

  test("tells what it leaves the workload", async () => {
    expect(await securityOf(trial)).toEqual({
      kernel: "between",
      systemCalls: null,
      namespaces: ["ipc", "mnt", "net", "user", "uts"],
      capabilities: ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "SYS_CHROOT"],
      noNewPrivileges: true,
      note: expect.stringContaining("gVisor's kernel"),
    });
  });
});
