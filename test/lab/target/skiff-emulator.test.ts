import { expect, test } from "vitest";
import { SKIFF_EMULATOR } from "../../../src/lab/target/skiff-emulator.ts";
import { describeWith, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

describeWith([root], SKIFF_EMULATOR.title, () => {
  const trial = trialOf(SKIFF_EMULATOR);
  testBatch(trial);
  testServer(trial, "tap");

  test("runs the AArch64 image, whatever the host", async () => {
    const prime = { kind: "kit", name: "prime", args: ["1"], memoryMib: 16 } as const;
    const { commandLine } = await trial.found().prepare(prime, undefined, trial.bench());
    expect(commandLine.join(" ")).toMatch(
      / run --engine emulator --mem 16 \S+\/guests\/images\/aarch64\/prime\.hvt 1$/,
    );
  });

  test("refuses what is no image of it, with the reason", () => {
    const host = {
      kind: "host",
      name: "sysbench",
      path: "/usr/bin/sysbench",
      reads: [],
      args: [],
      memoryMib: 16,
    } as const;
    expect(trial.found().refuse(host, undefined)?.reason).toBe("there is no image of the hvt ABI of sysbench");
    const other = {
      kind: "image",
      name: "x86",
      paths: ["guests/images/x86_64/hello.hvt"],
      args: [],
      memoryMib: 16,
    } as const;
    expect(trial.found().refuse(other, undefined)?.reason).toBe("there is no image of the hvt ABI of x86");
  });

  test("tells what it leaves the workload", async () => {
    expect(await securityOf(trial)).toMatchObject({
      kernel: "own",
      systemCalls: "all",
      namespaces: [],
      note: expect.stringContaining("Node"),
    });
  });
});
