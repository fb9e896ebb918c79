import { expect, test } from "vitest";
import { RUNC } from "../../../src/lab/target/runc.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

describeWith([root, program("runc", "runc")], "runc", () => {
  const trial = trialOf(RUNC);
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
