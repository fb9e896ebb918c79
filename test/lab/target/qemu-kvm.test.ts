import { beforeAll, expect, test } from "vitest";
import type { KvmState } from "../../../src/host/probe/kvm.ts";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { type HostManifest, probeHost } from "../../../src/host/probe/manifest.ts";
import { QEMU_KVM, QEMU_MICROVM } from "../../../src/lab/target/qemu.ts";
import type { Workbench } from "../../../src/lab/workbench.ts";
import { describeWith, program } from "../../support/needs.ts";
import { guestKernel } from "./trial.ts";

const NEEDS = [program("qemu-system-x86_64", "qemu-system-x86"), program("busybox", "busybox-static"), guestKernel];
const REASONS: readonly (readonly [KvmState, string])[] = [
  ["absent", "there is no KVM that works; skiff doctor tells why"],
  ["broken", "there is no KVM that works; skiff doctor tells why"],
  ["denied", "this user may not open /dev/kvm"],
  ["emulated", "KVM is there, but emulated: a Linux guest does not come up on it"],
];

describeWith(NEEDS, "QEMU on KVM", () => {
  let host: HostManifest;
  beforeAll(async () => {
    host = await probeHost(await loadProbeLibc());
  });
  const probe = (target: typeof QEMU_KVM, state: KvmState) => {
    const bench: Workbench = {
      version: "0.0.0",
      host: { ...host, kvm: { ...host.kvm, state } },
      cores: { servers: [1], clients: [0] },
      network: undefined,
      folder: () => "",
      guard: () => ({ release: () => {} }),
    };
    return target.probe(bench);
  };

  test.each(REASONS)("is listed with the reason where KVM is %s", async (state, reason) => {
    for (const target of [QEMU_KVM, QEMU_MICROVM]) {
      expect(await probe(target, state)).toMatchObject({ available: false, reason });
    }
  });

  test("is there where KVM is real", async () => {
    const found = await probe(QEMU_KVM, "real");
    expect(found).toMatchObject({ available: true, paths: [] });
    expect("version" in found ? found.version : "").toMatch(/^QEMU \d+\.\S+, Linux \d+\./);
  });
});
