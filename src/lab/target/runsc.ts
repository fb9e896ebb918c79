import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { findProgram } from "../../host/probe/program.ts";
import { type OciRuntime, probeOci } from "../container/oci-target.ts";
import type { Instance } from "../instance/instance.ts";
import { withOwn } from "../instance/with-own.ts";
import { processSecurity } from "./process-security.ts";
import type { Security, Target } from "./target.ts";

const RUNTIME: OciRuntime = {
  program: "runsc",
  debianPackage: "runsc",
  version: /runsc version (\S+)/,
  wrapper: () => [],
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

/** Linux used to have it in the root network namespace alone, and by that runsc of 2022 tells where it is. */
const ROOT_ONLY_SETTING = "/proc/sys/net/core/rmem_default";
const HIDE = 'mount -t tmpfs none "$1" && shift && exec "$@"';

function withHiddenSettings(unshare: string): OciRuntime {
  const wrapper = [unshare, "--mount", "/bin/sh", "-c", HIDE, "sh", dirname(ROOT_ONLY_SETTING)];
  return {
    ...RUNTIME,
    wrapper: (path) => (path === undefined ? [] : wrapper),
    warning:
      "a server's start includes that of unshare, sh and mount: it takes this kernel's namespaces for the root's",
  };
}

/** gVisor: a kernel in user space between the workload and the host. */
export const RUNSC: Target = {
  name: "runsc",
  title: "gVisor (runsc, ptrace)",
  probe: async (bench) => {
    const unshare = findProgram("unshare");
    const isMisled = bench.network?.client.inside(() => existsSync(ROOT_ONLY_SETTING)) ?? false;
    return probeOci(isMisled && unshare !== undefined ? withHiddenSettings(unshare) : RUNTIME, bench);
  },
};
