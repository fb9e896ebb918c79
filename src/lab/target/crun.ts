import { findProgram } from "../../host/probe/program.ts";
import { type OciRuntime, probeOci } from "../container/oci-target.ts";
import { processSecurity } from "./process-security.ts";
import type { Target } from "./target.ts";

const RUNTIME: OciRuntime = {
  program: "crun",
  debianPackage: "crun",
  version: /crun version (\S+)/,
  wrapper: () => [],
  options: () => [],
  network: () => "inherited",
  security: (instance) => ({
    ...processSecurity(instance),
    note: "a bundle as runc spec makes it; engines such as Podman add a seccomp profile",
  }),
};

const UNMOUNT = 'umount "$1" && shift && exec "$@"';

/** The OCI runtime in C that Podman takes. */
export const CRUN: Target = {
  name: "crun",
  title: "crun",
  probe: async (bench) => {
    const { unifiedPath } = bench.host.cgroup;
    const unshare = findProgram("unshare");
    const runtime = unifiedPath === null || unshare === undefined ? RUNTIME : withoutHybrid(unshare, unifiedPath);
    return probeOci(runtime, bench);
  },
};

/** crun up to 1.8 refuses hosts that mount cgroup v2 beside v1: it gets a view of the mounts without v2. */
function withoutHybrid(unshare: string, unifiedPath: string): OciRuntime {
  return {
    ...RUNTIME,
    wrapper: () => [unshare, "--mount", "/bin/sh", "-c", UNMOUNT, "sh", unifiedPath],
    warning: "its start includes that of unshare, sh and umount: it refuses this host's two cgroup hierarchies",
  };
}
