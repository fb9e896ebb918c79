import { kvmLacks } from "../host/probe/kvm.ts";
import type { Lack } from "../host/probe/lack.ts";
import { type HostManifest, hostLacks } from "../host/probe/manifest.ts";
import { layoutLacks } from "../host/probe/memory.ts";
import { seccompLacks } from "../host/probe/seccomp.ts";
import { type EngineName, emulatorLack } from "../monitor/engine-choice.ts";
import { VERSION } from "./version.ts";

/** Whether an engine can run images on this host. */
export interface EngineReport {
  readonly name: EngineName;
  /** The ABI whose images it runs. */
  readonly abi: "spt" | "hvt";
  /** The architecture of those images. */
  readonly imageArchitecture: string;
  readonly runs: boolean;
  /** What it lacks; empty where it runs. */
  readonly because: readonly string[];
}

/** What `skiff doctor --json` prints. Fields may be added; none of these changes its name or meaning. */
export interface DoctorReport extends HostManifest {
  /** Skiff's version. */
  readonly skiff: string;
  readonly engines: readonly EngineReport[];
  readonly lacks: readonly Lack[];
}

/** Draws the conclusions from what was found. */
export function examine(host: HostManifest): DoctorReport {
  return {
    skiff: VERSION,
    ...host,
    engines: [processEngine(host), kvmEngine(host), emulator()],
    lacks: hostLacks(host),
  };
}

function processEngine(host: HostManifest): EngineReport {
  const { architecture } = host.machine;
  const because = [...seccompLacks(host.seccomp), ...layoutLacks(host.memory)].map(
    ({ subject, reason }) => `${subject}: ${reason}`,
  );
  if (architecture !== "x86-64" && architecture !== "aarch64") because.unshift(`there is none for ${architecture}`);
  return { name: "process", abi: "spt", imageArchitecture: architecture, runs: because.length === 0, because };
}

/** It needs no more than a KVM that runs guests, however slowly. */
function kvmEngine(host: HostManifest): EngineReport {
  const runs = host.kvm.state === "real" || host.kvm.state === "emulated";
  const because = runs ? [] : kvmLacks(host.kvm, host.machine.architecture).map(({ reason }) => reason);
  return { name: "kvm", abi: "hvt", imageArchitecture: host.machine.architecture, runs, because };
}

function emulator(): EngineReport {
  const lack = emulatorLack();
  const because = lack === undefined ? [] : [lack];
  return { name: "emulator", abi: "hvt", imageArchitecture: "aarch64", runs: because.length === 0, because };
}
