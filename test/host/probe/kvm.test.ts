import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isReal, probeKvm } from "../../../src/host/probe/kvm.ts";
import { AARCH64_LOOP } from "../../../src/host/probe/kvm-loop-aarch64.ffi.ts";
import { X86_64_LOOP } from "../../../src/host/probe/kvm-loop-x86-64.ffi.ts";
import { KvmDevice } from "../../../src/host/probe/kvm-machine.ffi.ts";
import { measureRound, timeGuestLoop } from "../../../src/host/probe/kvm-measure.ts";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeMachine } from "../../../src/host/probe/machine.ts";
import { readField } from "../../../src/host/probe/text.ts";

const libc = await loadProbeLibc();
const machine = probeMachine();
const kvm = openOrUndefined("/dev/kvm");
const signalsAtStart = signalState();
const hostLoop = machine.architecture === "aarch64" ? AARCH64_LOOP : X86_64_LOOP;

function openOrUndefined(path: string): number | undefined {
  try {
    return openSync(path, "r+");
  } catch {
    return undefined;
  }
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

function signalState() {
  const status = readFileSync("/proc/thread-self/status", "utf8");
  return { blocked: readField(status, "SigBlk"), pending: readField(status, "SigPnd") };
}

describe("KVM of this host", () => {
  it("runs a guest loop wherever /dev/kvm opens, and says so where it does not", () => {
    const facts = probeKvm(libc, machine);
    if (kvm === undefined) {
      expect(facts).toMatchObject({ state: expect.stringMatching(/^(absent|denied)$/), instructionNs: null });
      return;
    }
    expect(facts).toMatchObject({ state: expect.stringMatching(/^(emulated|real)$/), apiVersion: 12, reason: null });
    expect(facts.instructionNs).toBeGreaterThan(0);
    expect(isReal(facts.instructionNs ?? Number.NaN)).toBe(facts.state === "real");
  });

  it("is left as it was: no descriptor, no signal", () => {
    const before = { descriptors: openDescriptors(), signals: signalsAtStart };
    probeKvm(libc, machine);
    expect({ descriptors: openDescriptors(), signals: signalState() }).toEqual(before);
  });

  it("is asked nothing on an architecture without a guest loop", () => {
    const facts = probeKvm(libc, { ...machine, architecture: "riscv64" });
    if (kvm !== undefined) expect(facts).toMatchObject({ state: "broken", reason: "no guest loop for riscv64" });
  });
});

describe("a guest that does not end", () => {
  it("is ended by the deadline, whose signal goes no further", () => {
    if (kvm === undefined) {
      expect(["absent", "denied"]).toContain(probeKvm(libc, machine).state);
      return;
    }
    const before = { descriptors: openDescriptors(), signals: signalsAtStart };
    const endless = { ...hostLoop, code: hostLoop === AARCH64_LOOP ? [0, 0, 0, 0x14] : [0xeb, 0xfe] };
    const guest = { ...endless, code: Uint8Array.from(endless.code) };
    const options = { pageBytes: machine.pageBytes, limitMs: 30 };
    expect(timeGuestLoop(new KvmDevice(libc, kvm), guest, options)).toBeUndefined();
    expect({ descriptors: openDescriptors(), signals: signalState() }).toEqual(before);
  });

  it("that leaves by another way is refused", () => {
    if (kvm === undefined) {
      expect(["absent", "denied"]).toContain(probeKvm(libc, machine).state);
      return;
    }
    const guest = { ...hostLoop, exitReason: 99 };
    const options = { pageBytes: machine.pageBytes, limitMs: 1000 };
    const before = openDescriptors();
    expect(() => timeGuestLoop(new KvmDevice(libc, kvm), guest, options)).toThrow(/exit reason \d+, expected 99/);
    expect(openDescriptors()).toBe(before);
  });
});

describe("a guest that cannot be prepared", () => {
  it("leaves no descriptor open", () => {
    if (kvm === undefined) {
      expect(["absent", "denied"]).toContain(probeKvm(libc, machine).state);
      return;
    }
    const before = openDescriptors();
    const prepare = () => {
      expect(openDescriptors()).toBe(before + 2);
      throw new RangeError("no register");
    };
    const options = { pageBytes: machine.pageBytes, limitMs: 1000 };
    expect(() => timeGuestLoop(new KvmDevice(libc, kvm), { ...hostLoop, prepare }, options)).toThrow("no register");
    expect(openDescriptors()).toBe(before);
  });
});

describe("a descriptor that is no KVM", () => {
  it("is refused by the name of the request", () => {
    const none = openSync("/dev/null", "r+");
    try {
      expect(() => new KvmDevice(libc, none).apiVersion()).toThrow("/dev/kvm: KVM_GET_API_VERSION failed with ENOTTY");
    } finally {
      closeSync(none);
    }
  });
});

describe("the time of one round", () => {
  /** A host that takes so long to enter and leave the guest, and so long for a round. */
  const host =
    (enterNs: number, roundNs: number, disturbNs = () => 0) =>
    (rounds: number) =>
      enterNs + rounds * roundNs + disturbNs();

  it.each([
    ["hardware", 30_000, 0.6],
    ["hardware under a slow hypervisor", 1_000_000, 4],
    ["emulation", 13_000, 1400],
    ["emulation that is quick", 13_000, 400],
  ])("is told from what surrounds it: %s", (_, enterNs, roundNs) => {
    const measured = measureRound(host(enterNs, roundNs));
    expect(measured).toBeGreaterThanOrEqual(roundNs);
    expect(isReal((measured ?? Number.NaN) / 2)).toBe(roundNs < 100);
  });

  it("is not lengthened by a busy host, as long as one of three tries runs through", () => {
    let run = 0;
    const busy = host(30_000, 0.6, () => (run++ % 3 === 1 ? 0 : 20_000_000));
    expect(measureRound(busy)).toBeLessThan(1);
  });

  it("takes few rounds of a slow guest", () => {
    let total = 0;
    measureRound((rounds) => {
      total += rounds;
      return rounds * 2000;
    });
    expect(total).toBeLessThanOrEqual(33_000);
  });

  it("is that of the last whole try where a deadline comes", () => {
    const ends = [1000, undefined];
    expect(measureRound(() => ends.shift(), 10)).toBe(100);
    expect(measureRound(() => undefined)).toBeUndefined();
  });
});
