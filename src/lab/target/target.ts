import type { Instance } from "../instance/instance.ts";
import { type Lack, lack } from "../lack.ts";
import type { Link, NetworkPath } from "../network.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";

/**
 * One way to run a workload. A target is one file in this folder that exports a `Target`, and one line in registry.ts;
 * nothing else knows it. It keeps no state of its own: what its probe found is in the object that the probe gives.
 */
export interface Target {
  /** As in `--targets`: lower case, digits, dashes, e.g. `qemu-tcg`. Stays the same for good: results are compared by it. */
  readonly name: string;
  /** As in a report's row, e.g. `QEMU, software emulation (TCG)`. */
  readonly title: string;
  /**
   * Finds out whether it can run here: looks for programs, asks them for their version, tries what only a trial tells.
   * Takes five seconds at most, starts nothing that stays, and throws only for a defect of its own.
   */
  readonly probe: (bench: Workbench) => Promise<Available | Unavailable>;
}

export interface Unavailable extends Lack {
  readonly available: false;
}

/** Why a target that needs links cannot run where the lab has none. */
export const NO_NETWORK: Lack = lack(
  "the lab may make no network namespaces here, or lacks the program ip",
  "run it as root, with the package iproute2 installed",
);

/** A target that can run here. */
export interface Available {
  readonly available: true;
  /** Version of what does the isolation, e.g. `runc 1.1.5`; of the kernel, where that alone does it. */
  readonly version: string;
  /** How it was found, e.g. `/usr/sbin/runc` or `linked into this program`. */
  readonly found: string;
  /**
   * Says before a block whether it can run a program over a path; undefined where it can.
   * @param path undefined for a program that serves no port.
   */
  readonly refuse: (program: Program, path: NetworkPath | undefined) => Lack | undefined;
  /**
   * It differs from native by its network path alone: workloads without a network leave it out, and do not list it as
   * not run.
   */
  readonly networkOnly?: true;
  /** The paths by which its servers can be reached, the one to take first; empty where they cannot be reached. */
  readonly paths: readonly NetworkPath[];
  /**
   * Makes ready whatever starts share: bundle, root file system, initramfs, built executable, below `bench.folder`. It is
   * not part of any measurement. Called once for a program and path in a run, and again when a run is resumed.
   * @throws SampleError where it cannot be made ready; the target is then listed as not run with that reason.
   */
  readonly prepare: (program: Program, path: NetworkPath | undefined, bench: Workbench) => Promise<Launcher>;
  /**
   * What it leaves to the workload, found out on a running instance where that is possible. Never assumed: what could
   * not be found out is null. `processSecurity` does it for an instance that is a process of this kernel.
   */
  readonly security: (instance: Instance) => Promise<Security>;
  /** A line that must stand beside every number of it, e.g. that its KVM is emulated. */
  readonly warning?: string;
}

/** A program made ready on a target. */
export interface Launcher {
  /**
   * The words that start it, for the manifest, e.g. `runc run …`. What differs from start to start stands in them as
   * `<address>`, `<tap>`, `<name>`.
   */
  readonly commandLine: readonly string[];
  /** Bytes of the image or bundle that a start reads: for the workload `image-size`. */
  readonly imageBytes: number;
  /**
   * Starts a fresh instance and returns as soon as its first process runs: it does not wait for output. The instance must
   * end within `Instance.stop`, and leave nothing behind then: no process, mount, container, file.
   * @throws SampleError where it cannot be started.
   */
  readonly start: (options: StartOptions) => Promise<Instance>;
  /** Removes what `prepare` made beside `bench.folder`, which goes by itself. All instances have ended. */
  readonly close: () => Promise<void>;
}

export interface StartOptions {
  /**
   * The instance's processors, vCPUs and helpers included. Launch does it for what inherits from it; a daemon has to be
   * told. The run checks it by `Cpus_allowed_list` of every pid, and refuses the sample where it does not hold.
   */
  readonly cores: readonly number[];
  /** There for a program that serves a port, over the path that it was prepared for. */
  readonly link?: Link;
}

/** What a target leaves the workload. */
export interface Security {
  /** Whose kernel serves the workload's system calls: the host's, one of its own, or a program between (gVisor). */
  readonly kernel: "host" | "own" | "between";
  /** How many of the host's system calls can be reached; null where it is not known. */
  readonly systemCalls: number | "all" | null;
  /** Of the host's namespaces those that it does not share: `mnt`, `net`, `pid`, `ipc`, `uts`, `user`, `cgroup`, `time`. */
  readonly namespaces: readonly string[] | null;
  /** Capabilities that its processes could ever use on the host (the bounding set), by name without `CAP_`. */
  readonly capabilities: readonly string[] | null;
  /** Its processes can gain no rights by executing a file. */
  readonly noNewPrivileges: boolean | null;
  /** One line about what the columns do not say; undefined where they say it all. */
  readonly note?: string;
}
