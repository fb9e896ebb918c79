import type { NpmPackage } from "./npm.ts";

/** A Linux machine that QEMU emulates whole, in software, and in which Skiff's own tests run. */
export interface HostDescription {
  /** What the command line calls it. */
  readonly name: string;
  readonly summary: string;
  readonly qemu: {
    readonly program: string;
    /** Machine, processor and what else makes this host different from another. */
    readonly args: readonly string[];
    /** One thread for all processors instead of one for each: for what QEMU does not emulate well in parallel. */
    readonly oneThread?: boolean;
  };
  readonly cpus: number;
  readonly memoryMib: number;
  readonly kernel: {
    /** As dpkg names it. */
    readonly debianArchitecture: string;
    /** The meta-package of the newest kernel. */
    readonly debianPackage: string;
    /** Where this machine's own release of Debian has no such kernel, e.g. `bookworm-backports`. */
    readonly debianRelease?: string;
    readonly pageBytes: number;
    /** To load at start, in this order: paths below the kernel's module folder. */
    readonly modules: readonly string[];
    /** The serial console's device, e.g. `ttyAMA0`. */
    readonly console: string;
  };
  readonly node: NpmPackage & {
    /** As Node names it, e.g. `arm64`. */
    readonly architecture: string;
  };
  /** As the guests' prebuilt images name it, e.g. `aarch64`. */
  readonly imageArchitecture: string;
  /** Names of files in `suites/`. */
  readonly suites: readonly string[];
  /** From power on to power off. */
  readonly timeLimitSeconds: number;
}
