import { expect, test } from "vitest";
import { CRUN } from "../../../src/lab/target/crun.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

describeWith([root, program("crun", "crun")], "crun", () => {
  const trial = trialOf(CRUN);
  testBatch(trial);
  testServer(trial, "veth");

  test("tells what it leaves the workload", async () => {
    expect(await securityOf(trial)).toEqual({
      kernel: "host",
      systemCalls: "all",
      namespaces: ["ipc", "mnt", "net", "pid", "uts"],
      capabilities: ["KILL", "NET_BIND_SERVICE", "AUDIT_WRITE"],
      noNewPrivileges: true,
      note: expect.stringContaining("seccomp"),
    });
  });
});
