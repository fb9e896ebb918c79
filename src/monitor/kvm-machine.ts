import { existsSync } from "node:fs";
import type { DebugLimits } from "../engine/engine.ts";
import { AARCH64 } from "../engine/kvm/aarch64.ts";
import { KvmEngine } from "../engine/kvm/engine.ts";
import { KVM_DEVICE, Kvm } from "../engine/kvm/kvm.ffi.ts";
import { missingNeed } from "../engine/kvm/needs.ts";
import { X86_64 } from "../engine/kvm/x86-64.ts";
import type { Image } from "../format/image.ts";
import { BYTES_PER_MIB } from "../format/memory.ts";
import { HostError } from "../host/error.ts";
import { HostClock } from "../host/transfer.ffi.ts";
import { UsageError } from "./error.ts";
import { hostDevices } from "./host-devices.ts";
import type { HostedEngine, HostedMachine, HostedMachineOptions } from "./hosted-machine.ts";
import { checkMemory, HvtMachine } from "./hvt-machine.ts";
import { offerRing } from "./ring/offer.ts";

/**
 * Makes a machine with its guest loaded.
 * @throws {UsageError} where memory does not fit, or KVM is not there or refuses. Nothing stays behind.
 */
export function makeKvmMachine(options: HostedMachineOptions): HostedMachine {
  const { image, memoryMib, commandLine, devices, console } = options;
  checkMemory(image, memoryMib);
  const { block, net, waitFor } = hostDevices(devices);
  const kvm = openKvm();
  try {
    requireCapabilities(kvm, image.architecture);
    const engine = new KvmEngine(kvm, ARCHITECTURES[image.architecture], memoryMib * BYTES_PER_MIB);
    try {
      const machine = new HvtMachine(engine, { image, commandLine, console, clock: new HostClock(), block, net });
      const canRing = net.size > 0 && kvm.capability("KVM_CAP_IOEVENTFD") > 0;
      return {
        machine,
        memory: engine.memory,
        waitFor,
        debugging: { engine, limits: debugLimits(engine) },
        ...(kvmEmulates() ? { remark: EMULATES } : {}),
        offerRing: (thread, onLoss) =>
          canRing ? offerRing(thread, { engine, machine, devices, net }, onLoss) : undefined,
      };
    } catch (error) {
      engine.close();
      throw error;
    }
  } catch (error) {
    throw withMend(error);
  } finally {
    kvm.close();
  }
}

/** Runs guests of this host's architecture on its processor. */
export const KVM: HostedEngine = { makeMachine: makeKvmMachine, hasRings: true };

const EMULATES = "this host's KVM emulates the processor: guests run slowly, and without floating point";
const ARCHITECTURES = { "x86-64": X86_64, aarch64: AARCH64 } as const;

function openKvm(): Kvm {
  try {
    return Kvm.open();
  } catch (error) {
    if (error instanceof RangeError)
      throw new UsageError(`${error.message}; Skiff knows no such KVM, link the image for spt`, { cause: error });
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const mend = KVM_MEND[code];
    throw mend === undefined ? withMend(error) : new UsageError(mend, { cause: error });
  }
}

/** A refusal of KVM's with what the user can do about it. */
function withMend(error: unknown): unknown {
  if (!(error instanceof HostError)) return error;
  return new UsageError(`${error.message}; skiff doctor tells what is there, or link the image for spt`, {
    cause: error,
  });
}

function requireCapabilities(kvm: Kvm, architecture: Image["architecture"]): void {
  const missing = missingNeed(kvm, architecture);
  if (missing === undefined) return;
  const { capability, linux } = missing;
  throw new UsageError(
    `this host's KVM lacks ${capability}, which Linux has since ${linux}; take a newer kernel, or link the image for spt`,
  );
}

const NO_KVM = `this host has no ${KVM_DEVICE}; skiff doctor says how to get it, or link the image for spt`;
const DENIED = `this user may not open ${KVM_DEVICE}; join its group with 'sudo usermod -aG kvm $USER' and log in anew`;
const KVM_MEND: Readonly<Record<string, string>> = {
  ENOENT: NO_KVM,
  ENODEV: NO_KVM,
  ENXIO: NO_KVM,
  EACCES: DENIED,
  EPERM: DENIED,
};

/**
 * Whether this host's KVM runs guests without the processor's help: on x86-64 neither of the modules that use it is there.
 * Cheap, and sure enough for a remark; `skiff doctor` measures.
 */
export function kvmEmulates(): boolean {
  if (process.arch !== "x64" || !existsSync("/sys/module")) return false;
  return !existsSync("/sys/module/kvm_intel") && !existsSync("/sys/module/kvm_amd");
}

/** An emulating KVM gives the guest its breakpoint instructions and watches no data, but looks for instructions' addresses. */
function debugLimits({ debugLimits }: KvmEngine): DebugLimits {
  return kvmEmulates() ? { ...debugLimits, breakpointInstruction: undefined, dataMax: 0 } : debugLimits;
}
