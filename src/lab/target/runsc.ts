import { type OciRuntime, probeOci } from "../container/oci-target.ts";
import { withOwn } from "../container/whole-instance.ts";
import type { Instance } from "../instance/instance.ts";
import { processSecurity } from "./process-security.ts";
import type { Security, Target } from "./target.ts";

const RUNTIME: OciRuntime = {
  program: "runsc",
  debianPackage: "runsc",
  version: /runsc version (\S+)/,
  wrapper: [],
  options: (path) => [
    "--platform=ptrace",
    // cgroups: Debian's runsc cannot use a hierarchy that has no cpuset of its own.
    "--ignore-cgroups",
    path === undefined ? "--network=none" : "--network=sandbox",
  ],
  // gVisor's own network stack takes the interfaces of a namespace that it is given by its path.
  network: ({ namespace }) => ({ path: namespace.path }),
  security,
};

/** What gVisor's own processes may do on the host: its kernel in the sandbox, and the gofer that opens files for it. */
function security(instance: Instance): Security {
  const helpers = instance.pids().slice(1);
  const seen = helpers.map((pid) => processSecurity(withOwn(instance, { pids: () => [pid] })));
  const sandbox = seen.find(({ namespaces }) => namespaces?.includes("user"));
  if (sandbox === undefined) return { ...processSecurity(instance), kernel: "between" };
  // In a user namespace of its own a process has no capability over the host.
  const onHost = seen.filter(({ namespaces }) => !namespaces?.includes("user"));
  return {
    ...sandbox,
    kernel: "between",
    capabilities: [...new Set(onHost.flatMap(({ capabilities }) => capabilities ?? []))],
    note: "the workload's calls are served by gVisor's kernel; the capabilities are those of its file server, the gofer",
  };
}

/** gVisor: a kernel in user space between the workload and the host. */
export const RUNSC: Target = {
  name: "runsc",
  title: "gVisor (runsc, ptrace)",
  probe: async (bench) => probeOci(RUNTIME, bench),
};
