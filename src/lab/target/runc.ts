import { type OciRuntime, probeOci } from "../container/oci-target.ts";
import { processSecurity } from "./process-security.ts";
import type { Target } from "./target.ts";

const RUNTIME: OciRuntime = {
  program: "runc",
  debianPackage: "runc",
  version: /runc version (\S+)/,
  wrapper: () => [],
  options: () => [],
  network: () => "inherited",
  security: (instance) => ({
    ...processSecurity(instance),
    note: "a bundle as runc spec makes it; engines such as Docker add a seccomp profile",
  }),
};

/** The OCI runtime below Docker, Podman and Kubernetes, without the engine. */
export const RUNC: Target = {
  name: "runc",
  title: "runc",
  probe: async (bench) => probeOci(RUNTIME, bench),
};
