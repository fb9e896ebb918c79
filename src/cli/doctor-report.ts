import { kvmLacks } from "../host/probe/kvm.ts";
import type { Lack } from "../host/probe/lack.ts";
import { type HostManifest, hostLacks } from "../host/probe/manifest.ts";
import { layoutLacks } from "../host/probe/memory.ts";
import { seccompLacks } from "../host/probe/seccomp.ts";
import { VERSION } from "./version.ts";

/** Whether an engine can run images on this host. */
export interface EngineReport {
  readonly name: "process" | "kvm";
  /** The ABI whose images it runs. */
  readonly abi: "spt" | "hvt";
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
  return { skiff: VERSION, ...host, engines: [processEngine(host), kvmEngine(host)], lacks: hostLacks(host) };
}

function processEngine(host: HostManifest): EngineReport {
  const { architecture } = host.machine;
  const because = [...seccompLacks(host.seccomp), ...layoutLacks(host.memory)].map(
    ({ subject, reason }) => `${subject}: ${reason}`,
  );
  if (architecture !== "x86-64" && architecture !== "aarch64") because.unshift(`there is none for ${architecture}`);
  return { name: "process", abi: "spt", runs: because.length === 0, because };
}

/** It needs no more than a KVM that runs guests, however slowly. */
function kvmEngine(host: HostManifest): EngineReport {
  const runs = host.kvm.state === "real" || host.kvm.state === "emulated";
  const because = runs ? [] : kvmLacks(host.kvm, host.machine.architecture).map(({ reason }) => reason);
  return { name: "kvm", abi: "hvt", runs, because };
}
