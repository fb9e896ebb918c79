import { expect, test } from "vitest";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../../src/host/probe/manifest.ts";
import { SKIFF_KVM } from "../../../src/lab/target/skiff-kvm.ts";
import type { Workbench } from "../../../src/lab/workbench.ts";
import { describeWith, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

const host = await probeHost(await loadProbeLibc());
const { state } = host.kvm;

/** What a user reads where KVM cannot be used; nothing else may keep the engine from being measured. */
const REASONS = {
  absent: "there is no KVM that works; skiff doctor tells why",
  broken: "there is no KVM that works; skiff doctor tells why",
  denied: "this user may not open /dev/kvm",
} as const;

const probe = (kvm: typeof host.kvm) => {
  const bench: Workbench = {
    version: "0.0.0",
    host: { ...host, kvm },
    cores: { servers: [1], clients: [0] },
    network: undefined,
    folder: () => "",
    guard: () => ({ release: () => {} }),
  };
  return SKIFF_KVM.probe(bench);
};

test.each(["absent", "broken", "denied"] as const)("is listed with the reason where KVM is %s", async (state) => {
  expect(await probe({ ...host.kvm, state })).toEqual({
    available: false,
    reason: REASONS[state],
    mend: expect.stringMatching(/skiff doctor|usermod/),
  });
});

test("bears a warning where KVM is emulated, and none where it is real", async () => {
  expect(await probe({ ...host.kvm, state: "emulated" })).toMatchObject({ warning: expect.stringMatching(/emulated/) });
  expect(await probe({ ...host.kvm, state: "real" })).not.toHaveProperty("warning");
});

describeWith([root], `${SKIFF_KVM.title}, where KVM is ${state}`, () => {
  if (state !== "real" && state !== "emulated") {
    test("is listed with the reason", async () => {
      expect(await probe(host.kvm)).toMatchObject({ available: false, reason: REASONS[state] });
    });
    return;
  }
  const trial = trialOf(SKIFF_KVM);
  testBatch(trial);
  testServer(trial, "tap");

  test("begins to say something with the guest's first byte", async () => {
    const silent = { kind: "kit", name: "status", args: ["0"], memoryMib: 16 } as const;
    await trial.during(silent, undefined, async (instance) => {
      await expect(instance.firstOutput(20_000)).rejects.toThrow(/^exited with status 0/);
    });
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
