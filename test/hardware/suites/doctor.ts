import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync } from "node:fs";
import { before, describe, it } from "node:test";
import { type DoctorReport, examine } from "../../../src/cli/doctor-report.ts";
import { AARCH64_LOOP } from "../../../src/host/probe/kvm-loop-aarch64.ffi.ts";
import { X86_64_LOOP } from "../../../src/host/probe/kvm-loop-x86-64.ffi.ts";
import { KvmDevice } from "../../../src/host/probe/kvm-machine.ffi.ts";
import { timeGuestLoop } from "../../../src/host/probe/kvm-measure.ts";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../../src/host/probe/manifest.ts";
import { thisHost } from "../guest/this-host.ts";

const host = thisHost();

describe("what doctor finds in the emulated host", () => {
  let report: DoctorReport;
  let descriptorsBefore: number;

  before(async () => {
    const libc = await loadProbeLibc();
    descriptorsBefore = readdirSync("/proc/self/fd").length;
    report = examine(await probeHost(libc));
  });

  it("is a KVM that runs guests with the processor's virtualization", () => {
    assert.equal(report.kvm.reason, null);
    assert.equal(report.kvm.state, "real");
    assert.equal(report.kvm.apiVersion, 12);
    assert.ok(report.kvm.instructionNs !== null && report.kvm.instructionNs > 0, `${report.kvm.instructionNs}`);
  });

  it("is the machine that its description says", () => {
    assert.equal(report.machine.pageBytes, host.kernel.pageBytes);
    assert.equal(report.machine.processorCount, host.cpus);
    assert.notEqual(report.machine.processor, "unknown");
  });

  it("is all engines, with all that they need", () => {
    const imageArchitecture = report.machine.architecture;
    assert.deepEqual(report.engines, [
      { name: "process", abi: "spt", imageArchitecture, runs: true, because: [] },
      { name: "kvm", abi: "hvt", imageArchitecture, runs: true, because: [] },
      { name: "emulator", abi: "hvt", imageArchitecture: "aarch64", runs: true, because: [] },
    ]);
    assert.deepEqual(report.tap, { device: "opens", netAdmin: true, create: true });
  });

  it("is a KVM whose guest can be ended by a deadline, with a signal that goes no further", async () => {
    const loop = process.arch === "arm64" ? AARCH64_LOOP : X86_64_LOOP;
    const code = Uint8Array.from(process.arch === "arm64" ? [0, 0, 0, 0x14] : [0xeb, 0xfe]);
    const descriptor = openSync("/dev/kvm", "r+");
    try {
      const device = new KvmDevice(await loadProbeLibc(), descriptor);
      const options = { pageBytes: report.machine.pageBytes, limitMs: 50 };
      assert.equal(timeGuestLoop(device, { ...loop, code }, options), undefined);
    } finally {
      closeSync(descriptor);
    }
  });

  it("leaves no descriptor open", () => {
    assert.equal(readdirSync("/proc/self/fd").length, descriptorsBefore);
  });
});
