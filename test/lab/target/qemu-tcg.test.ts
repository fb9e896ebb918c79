import { expect, test } from "vitest";
import { QEMU_TCG } from "../../../src/lab/target/qemu.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { guestKernel, securityOf, testBatch, testServer, trialOf } from "./trial.ts";

const NEEDS = [
  root,
  program("qemu-system-x86_64", "qemu-system-x86"),
  program("busybox", "busybox-static"),
  guestKernel,
];

describeWith(NEEDS, QEMU_TCG.title, () => {
  const trial = trialOf(QEMU_TCG);
  testBatch(trial);
  testServer(trial, "tap");

  test("tells what it leaves the workload", async () => {
    expect(await securityOf(trial)).toMatchObject({
      kernel: "own",
      systemCalls: null,
      namespaces: [],
      noNewPrivileges: true,
      note: expect.stringContaining("QEMU's own process"),
    });
  });
});
