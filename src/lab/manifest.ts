import type { HostManifest } from "../host/probe/manifest.ts";
import type { CorePlan } from "./cores.ts";
import type { Lack } from "./lack.ts";
import type { Sample } from "./sample.ts";
import type { Security } from "./target/target.ts";
import type { Workload } from "./workload/workload.ts";

/** Everything that a report needs: of a whole run, or of one that goes on or was killed. */
export interface Result {
  readonly manifest: RunManifest;
  /** In the order in which they were taken. */
  readonly samples: readonly Sample[];
}

/** What was measured, where and how: manifest.json beside samples.jsonl. */
export interface RunManifest {
  readonly format: "skiff-bench-1";
  /** Skiff's version. */
  readonly skiff: string;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
  /** How it ended; null while it goes on, and after it was killed. */
  readonly ended: { readonly at: string; readonly why: Ending } | null;
  /** The words of the command that started it. */
  readonly commandLine: readonly string[];
  /** For the order within the blocks. */
  readonly seed: number;
  readonly quick: boolean;
  /** Planned for each workload at most. */
  readonly blocks: number;
  readonly sampleMs: number;
  readonly host: HostManifest;
  readonly settings: HostSettings;
  readonly cores: CorePlan;
  /** In the order of a report. */
  readonly workloads: readonly WorkloadRecord[];
  /** In the order of a report; only those that could run at all. */
  readonly targets: readonly TargetRecord[];
  readonly notRun: readonly NotRun[];
}

/** `settled`: more blocks would have told no more, or all planned ones are there. */
export type Ending = "settled" | "budget" | "interrupted";

/** What of the host's settings moves measurements. null where the kernel does not tell. */
export interface HostSettings {
  /** cpufreq's, of the servers' first core, e.g. `performance`. */
  readonly governor: string | null;
  readonly clockSource: string | null;
  /** Whether two threads of a core run at the same time. */
  readonly simultaneousThreads: boolean | null;
  /** /sys/devices/system/cpu/vulnerabilities, by name, as the kernel words them. */
  readonly mitigations: Readonly<Record<string, string>>;
  /** There is a /dev/vhost-net, without which virtual machines' networks are slower. */
  readonly vhostNet: boolean;
}

export interface WorkloadRecord extends Pick<Workload, "name" | "title" | "description" | "metrics" | "network"> {
  /** The target that others are compared with, e.g. `native`; measured twice in each block. */
  readonly baseline: string;
}

export interface TargetRecord {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly found: string;
  /** Must stand beside every number of it. */
  readonly warning: string | null;
  /** null where no instance was there to find it out on. */
  readonly security: Security | null;
  /** By workload; what differs from start to start stands as `<address>`, `<tap>`, `<name>`. */
  readonly commandLines: Readonly<Record<string, readonly string[]>>;
}

/** Something asked for that was not measured. */
export interface NotRun extends Lack {
  /** A target's name; null for a workload that lacks something itself. */
  readonly target: string | null;
  readonly targetTitle: string | null;
  /** A workload's name; null where the target cannot run at all. */
  readonly workload: string | null;
}
