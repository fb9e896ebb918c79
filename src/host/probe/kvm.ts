import { closeSync, constants, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { HostError } from "../error.ts";
import { AARCH64_LOOP } from "./kvm-loop-aarch64.ffi.ts";
import { X86_64_LOOP } from "./kvm-loop-x86-64.ffi.ts";
import { KvmDevice, type LoopGuest } from "./kvm-machine.ffi.ts";
import { timeGuestLoop } from "./kvm-measure.ts";
import { asRoot, type Lack } from "./lack.ts";
import type { ProbeLibc } from "./libc.ffi.ts";
import { type ReadText, readField, readText } from "./text.ts";

/**
 * - `absent`: there is no /dev/kvm, or nothing behind it;
 * - `denied`: this user may not open it;
 * - `broken`: it opens, but refused to run a guest;
 * - `emulated`: it runs guests, but without the processor's help;
 * - `real`: it runs guests at the processor's speed.
 */
export type KvmState = "absent" | "denied" | "broken" | "emulated" | "real";

export interface KvmFacts {
  readonly state: KvmState;
  /** What KVM_GET_API_VERSION answered; 12 since Linux 2.6.22. */
  readonly apiVersion: number | null;
  /** Nanoseconds of one guest instruction of a loop in the guest's kernel mode. */
  readonly instructionNs: number | null;
  /** The modules behind it as /sys/module names them, e.g. `kvm_amd`; empty where KVM is built into the kernel. */
  readonly modules: readonly string[];
  /** The processor's virtualization as /proc/cpuinfo shows it; null where it does not, and always on AArch64. */
  readonly processorSupport: "vmx" | "svm" | null;
  /** Why it is absent, denied or broken: the error's name or the refused call. */
  readonly reason: string | null;
}

const DEVICE = "/dev/kvm";
const API_VERSION = 12;
/**
 * Hardware needs about a nanosecond for an instruction; software that executes each one by itself, hundreds. The limit lies
 * between them with a factor of ten to both sides.
 */
const REAL_INSTRUCTION_NS_MAX = 50;
const MEASURE_LIMIT_MS = 1000;

const LOOPS: ReadonlyMap<string, LoopGuest> = new Map([
  ["x86-64", X86_64_LOOP],
  ["aarch64", AARCH64_LOOP],
]);

/** What KVM is here. Runs a guest loop for some ten milliseconds, at most for a second. */
export function probeKvm(libc: ProbeLibc, host: Host, read: ReadText = readText): KvmFacts {
  const { state, apiVersion = null, instructionNs = null, reason = null } = findState(libc, host);
  const support = processorSupport(read("/proc/cpuinfo"));
  return { state, apiVersion, instructionNs, modules: kvmModules(), processorSupport: support, reason };
}

interface Host {
  readonly architecture: string;
  readonly pageBytes: number;
}

type Finding = Pick<KvmFacts, "state"> & Partial<Pick<KvmFacts, "apiVersion" | "instructionNs" | "reason">>;

function findState(libc: ProbeLibc, host: Host): Finding {
  let descriptor: number;
  try {
    descriptor = openSync(DEVICE, constants.O_RDWR);
  } catch (error) {
    const code = errorCode(error);
    return { state: code === "EACCES" || code === "EPERM" ? "denied" : "absent", reason: code };
  }
  try {
    return judge(new KvmDevice(libc, descriptor), host);
  } catch (error) {
    if (error instanceof HostError || error instanceof RangeError) return { state: "broken", reason: error.message };
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function judge(device: KvmDevice, { architecture, pageBytes }: Host): Finding {
  const apiVersion = device.apiVersion();
  const broken = (reason: string): Finding => ({ state: "broken", apiVersion, reason });
  if (apiVersion !== API_VERSION) return broken(`its API has version ${apiVersion}, expected ${API_VERSION}`);
  const guest = LOOPS.get(architecture);
  if (guest === undefined) return broken(`no guest loop for ${architecture}`);
  const instructionNs = timeGuestLoop(device, guest, { pageBytes, limitMs: MEASURE_LIMIT_MS });
  if (instructionNs === undefined) return broken(`a guest loop did not end within ${MEASURE_LIMIT_MS} ms`);
  return { state: isReal(instructionNs) ? "real" : "emulated", apiVersion, instructionNs };
}

export function isReal(instructionNs: number): boolean {
  return instructionNs < REAL_INSTRUCTION_NS_MAX;
}

function kvmModules(): readonly string[] {
  try {
    return readdirSync("/sys/module").filter((name) => name.startsWith("kvm_"));
  } catch {
    return [];
  }
}

/** The processor's virtualization from the flags in /proc/cpuinfo; Arm does not show its own there. */
export function processorSupport(cpuinfo: string | undefined): "vmx" | "svm" | null {
  const flags = new Set(readField(cpuinfo, "flags")?.split(" "));
  if (flags.has("vmx")) return "vmx";
  return flags.has("svm") ? "svm" : null;
}

/** What keeps guests from running at the processor's speed, and how to mend it. */
export function kvmLacks(kvm: KvmFacts, architecture: string): Lack[] {
  switch (kvm.state) {
    case "real":
      return [];
    case "emulated":
      return [{ subject: "kvm", reason: emulatedReason(kvm), mend: [] }];
    case "broken":
      return [{ subject: "kvm", reason: kvm.reason ?? "runs no guest", mend: [] }];
    case "denied":
      return [{ subject: "kvm", reason: `this user may not open ${DEVICE}`, mend: mendPermission() }];
    case "absent":
      return [absentLack(kvm, architecture)];
  }
}

function emulatedReason({ instructionNs, modules }: KvmFacts): string {
  const by = modules.length === 0 ? "" : ` by ${modules.join(", ")}`;
  return `emulated${by}, ${instructionNs} ns an instruction: turn virtualization on in the firmware, or nesting in the hypervisor`;
}

function absentLack(kvm: KvmFacts, architecture: string): Lack {
  const module = kvm.processorSupport === "vmx" ? "kvm_intel" : "kvm_amd";
  if (kvm.processorSupport !== null) {
    return { subject: "kvm", reason: `there is no ${DEVICE}`, mend: [asRoot(`modprobe ${module}`)] };
  }
  const reason =
    architecture === "aarch64"
      ? `there is no ${DEVICE}: the kernel must start in hyp mode (EL2), in a virtual machine through nested virtualization`
      : `there is no ${DEVICE}: the processor shows no virtualization; turn it on in the firmware, or nesting in the hypervisor`;
  return { subject: "kvm", reason, mend: [] };
}

/** Debian gives the device to the group kvm; elsewhere it can be given to the user, until the next start. */
function mendPermission(): string[] {
  return givenToGroup() ? [asRoot("usermod -aG kvm $USER"), "newgrp kvm"] : [asRoot(`chown $USER ${DEVICE}`)];
}

function givenToGroup(): boolean {
  try {
    const { gid, mode } = statSync(DEVICE);
    const kvmGroup = /^kvm:[^:]*:(\d+):/m.exec(readFileSync("/etc/group", "utf8"))?.[1];
    return Number(kvmGroup) === gid && (mode & 0o060) === 0o060;
  } catch {
    return false;
  }
}

function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}
