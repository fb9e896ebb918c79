import { expect, test } from "vitest";
import { BUBBLEWRAP } from "../../../src/lab/target/bubblewrap.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

describeWith([root, program("bwrap", "bubblewrap")], "bubblewrap", () => {
  const trial = trialOf(BUBBLEWRAP);
  testBatch(trial);
  testServer(trial, "veth");

  test("tells what it leaves the workload", async () => {
    expect(await securityOf(trial)).toEqual({
      kernel: "host",
      systemCalls: "all",
      namespaces: ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"],
      capabilities: [],
      noNewPrivileges: true,
    });
  });
});
