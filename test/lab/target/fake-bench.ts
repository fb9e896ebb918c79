import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { type HostManifest, probeHost } from "../../../src/host/probe/manifest.ts";
import type { Workbench } from "../../../src/lab/workbench.ts";
import { temporaryFolder } from "../../support/temporary.ts";

/** A workbench for probes alone: this host with facts of one's own, no network, and this process stays where it is. */
export async function fakeBench(facts: Partial<HostManifest> = {}): Promise<Workbench> {
  const host = await probeHost(await loadProbeLibc());
  const folder = temporaryFolder();
  return {
    version: "0.0.0",
    host: { ...host, ...facts },
    cores: { servers: [0], clients: [1] },
    network: undefined,
    folder: (label) => mkdtempSync(join(folder, `${label}-`)),
    guard: () => ({ release: () => {} }),
  };
}
