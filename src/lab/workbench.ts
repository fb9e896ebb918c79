import type { HostManifest } from "../host/probe/manifest.ts";
import type { CorePlan } from "./cores.ts";
import type { Network } from "./network.ts";

/** What the lab gives to targets and workloads for the length of a run. */
export interface Workbench {
  /** Skiff's own version. */
  readonly version: string;
  /** What this host is and offers. */
  readonly host: HostManifest;
  /** Which processors servers and clients get; disjoint. */
  readonly cores: CorePlan;
  /** Undefined where the lab may make no namespaces, or lacks `ip`: then nothing that serves a port is measured. */
  readonly network: Network | undefined;
  /** A new empty folder; it goes with the run, even where the run is killed. */
  readonly folder: (label: string) => string;
  /**
   * Has a command run should this process be killed before `release` is called, so that nothing is left behind. Instances
   * made by `launchInstance` see to it themselves; for what a daemon holds, the target does.
   * @param words a command line without a shell, e.g. `["docker", "rm", "--force", name]`.
   */
  readonly guard: (words: readonly string[]) => Guard;
}

export interface Guard {
  /** The thing is gone: nothing is to be done any more. */
  readonly release: () => void;
}
