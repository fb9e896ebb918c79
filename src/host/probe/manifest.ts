import { type CgroupFacts, cgroupLacks, probeCgroup } from "./cgroup.ts";
import { type KvmFacts, kvmLacks, probeKvm } from "./kvm.ts";
import type { Lack } from "./lack.ts";
import type { ProbeLibc } from "./libc.ffi.ts";
import { type MachineFacts, probeMachine } from "./machine.ts";
import { commitLacks, layoutLacks, type MemoryFacts, probeMemory } from "./memory.ts";
import { type NamespaceFacts, namespaceLacks, probeNamespaces } from "./namespace.ts";
import { probeSeccomp, type SeccompFacts, seccompLacks } from "./seccomp.ts";
import { probeTap, type TapFacts, tapLacks } from "./tap.ffi.ts";
import { probeTools, type ToolFacts, toolLacks } from "./tool.ts";

/** What this host is and offers: what a measurement has to carry along, and what a run can count on. */
export interface HostManifest {
  readonly machine: MachineFacts;
  readonly memory: MemoryFacts;
  readonly seccomp: SeccompFacts;
  readonly kvm: KvmFacts;
  readonly tap: TapFacts;
  readonly namespaces: NamespaceFacts;
  readonly cgroup: CgroupFacts;
  readonly tools: readonly ToolFacts[];
}

/** Finds out all of it, in about half a second; waits two seconds at most for programs. Leaves nothing behind. */
export async function probeHost(libc: ProbeLibc): Promise<HostManifest> {
  const machine = probeMachine();
  // Before the programs are started: it measures time.
  const kvm = probeKvm(libc, machine);
  const [namespaces, tools] = await Promise.all([probeNamespaces(), probeTools()]);
  return {
    machine,
    memory: probeMemory(libc),
    seccomp: probeSeccomp(libc),
    kvm,
    tap: probeTap(libc),
    namespaces,
    cgroup: probeCgroup(),
    tools,
  };
}

/** Everything that the host does not offer, in the manifest's order. */
export function hostLacks(host: HostManifest): Lack[] {
  return [
    ...layoutLacks(host.memory),
    ...commitLacks(host.memory),
    ...seccompLacks(host.seccomp),
    ...kvmLacks(host.kvm, host.machine.architecture),
    ...tapLacks(host.tap),
    ...namespaceLacks(host.namespaces),
    ...cgroupLacks(host.cgroup),
    ...toolLacks(host.tools),
  ];
}
