import type { RootFolder } from "./root-folder.ts";

/** What differs from start to start. */
export interface OciStart {
  readonly root: RootFolder;
  /** The control group's name, directly below the hierarchies' roots. */
  readonly controlGroup: string;
  /** The processors of the container's cpuset. */
  readonly cores: readonly number[];
  /** The host's folder that the program's own is bound to; undefined where it has none. */
  readonly writes: string | undefined;
  /**
   * The container's network: one of its own with nothing in it, the caller's, or the one at a path.
   */
  readonly network: "none" | "inherited" | { readonly path: string };
}

/** Capabilities that the container's processes have: those that `runc spec` writes. */
export const OCI_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"] as const;

/** What a process can read or change for the whole host below /proc and /sys (runtime-spec, config-linux.md). */
const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
];
const READ_ONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** A bundle's config.json (OCI runtime specification 1.0.2): namespaces, mounts and rights as `runc spec` has them. */
export function ociConfig({ root, controlGroup, cores, writes, network }: OciStart) {
  const capabilities = [...OCI_CAPABILITIES];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: [...root.words],
      env: Object.entries(root.environment).map(([name, value]) => `${name}=${value}`),
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: root.path, readonly: true },
    hostname: "skiff-lab",
    mounts: [...systemMounts(root), ...writableMounts(root, writes)],
    linux: {
      cgroupsPath: `/${controlGroup}`,
      resources: {
        devices: [{ allow: false, access: "rwm" }],
        cpu: { cpus: cores.join(",") },
      },
      namespaces: [
        ...["pid", "ipc", "uts", "mount"].map((type) => ({ type })),
        ...(network === "inherited" ? [] : [networkNamespace(network)]),
      ],
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READ_ONLY_PATHS,
    },
  };
}

function networkNamespace(network: Exclude<OciStart["network"], "inherited">) {
  return network === "none" ? { type: "network" } : { type: "network", path: network.path };
}

function systemMounts({ hasTmp }: RootFolder) {
  const closed = ["nosuid", "noexec", "nodev"];
  return [
    mount("/proc", "proc", "proc", closed),
    mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=64m"]),
    mount("/dev/shm", "tmpfs", "shm", [...closed, "mode=1777", "size=64m"]),
    mount("/sys", "sysfs", "sysfs", [...closed, "ro"]),
    ...(hasTmp ? [] : [mount("/tmp", "tmpfs", "tmpfs", ["nosuid", "nodev", "mode=1777"])]),
  ];
}

function writableMounts({ writes: inside }: RootFolder, outside: string | undefined) {
  if (inside === undefined || outside === undefined) return [];
  return [mount(inside, "bind", outside, ["rbind", "rw"])];
}

function mount(destination: string, type: string, source: string, options: readonly string[]) {
  return { destination, type, source, options: [...options] };
}
