import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Instance } from "../instance/instance.ts";
import type { Security } from "./target.ts";

/**
 * What the kernel shows of an instance that is a process of its own: of the last one in its tree, the workload itself.
 * @param systemCalls how many calls its filter allows, where the target knows; asked for only where there is a filter.
 */
export function processSecurity(instance: Instance, systemCalls: number | null = null): Security {
  const pid = instance.pids().at(-1);
  const status = pid === undefined ? undefined : readStatus(pid);
  if (pid === undefined || status === undefined) {
    return { kernel: "host", systemCalls: null, namespaces: null, capabilities: null, noNewPrivileges: null };
  }
  return {
    kernel: "host",
    systemCalls: field(status, "Seccomp") === "0" ? "all" : systemCalls,
    namespaces: ownNamespaces(pid),
    capabilities: capabilityNames(BigInt(`0x${field(status, "CapBnd") ?? "0"}`)),
    noNewPrivileges: field(status, "NoNewPrivs") === "1",
  };
}

function readStatus(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return undefined;
  }
}

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];
}

/** Namespaces that differ from those of this process; null where they may not be seen. */
function ownNamespaces(pid: number): string[] | null {
  try {
    return readdirSync("/proc/self/ns")
      .filter((name) => !name.endsWith("_for_children"))
      .filter((name) => readlinkSync(`/proc/${pid}/ns/${name}`) !== readlinkSync(`/proc/self/ns/${name}`));
  } catch {
    return null;
  }
}

/** Names of a capability set's bits. */
export function capabilityNames(set: bigint): string[] {
  return CAPABILITIES.filter((_, bit) => ((set >> BigInt(bit)) & 1n) === 1n);
}

/** By their bits, without `CAP_` (Linux include/uapi/linux/capability.h). */
export const CAPABILITIES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "DAC_READ_SEARCH",
  "FOWNER",
  "FSETID",
  "KILL",
  "SETGID",
  "SETUID",
  "SETPCAP",
  "LINUX_IMMUTABLE",
  "NET_BIND_SERVICE",
  "NET_BROADCAST",
  "NET_ADMIN",
  "NET_RAW",
  "IPC_LOCK",
  "IPC_OWNER",
  "SYS_MODULE",
  "SYS_RAWIO",
  "SYS_CHROOT",
  "SYS_PTRACE",
  "SYS_PACCT",
  "SYS_ADMIN",
  "SYS_BOOT",
  "SYS_NICE",
  "SYS_RESOURCE",
  "SYS_TIME",
  "SYS_TTY_CONFIG",
  "MKNOD",
  "LEASE",
  "AUDIT_WRITE",
  "AUDIT_CONTROL",
  "SETFCAP",
  "MAC_OVERRIDE",
  "MAC_ADMIN",
  "SYSLOG",
  "WAKE_ALARM",
  "BLOCK_SUSPEND",
  "AUDIT_READ",
  "PERFMON",
  "BPF",
  "CHECKPOINT_RESTORE",
] as const;
