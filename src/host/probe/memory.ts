import { closeSync } from "node:fs";
import { CAP_SYS_RAWIO, holdsCapability } from "./capability.ts";
import { asRoot, type Lack } from "./lack.ts";
import type { ProbeLibc } from "./libc.ffi.ts";
import { kibibytes } from "./machine.ts";
import { type ReadText, readField, readSysctl, readText } from "./text.ts";

export interface MemoryFacts {
  /** A file in memory can be made that may be executed. */
  readonly executableMemfd: boolean;
  /** Lowest address that this process may map. */
  readonly lowestAddress: number;
  /** How the kernel answers requests for more memory than there is (vm.overcommit_memory 0, 1, 2). */
  readonly overcommit: "heuristic" | "always" | "never";
  /** With `never`, what may still be promised to anyone; null otherwise. */
  readonly commitAvailableBytes: number | null;
}

/* include/uapi/linux/memfd.h */
const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;
const EINVAL = 22;

const OVERCOMMIT = ["heuristic", "always", "never"] as const;

/** Where Solo5 guests begin: the lowest address that an spt image may use, and the start of its boot information. */
const GUEST_BASE_ADDRESS = 0x10000;
/** Memory of a guest for which nothing else is asked. */
const GUEST_BYTES = 512 * 1024 * 1024;

export function probeMemory(libc: ProbeLibc, read: ReadText = readText): MemoryFacts {
  const overcommit = OVERCOMMIT[Number(readSysctl("vm.overcommit_memory", read) ?? 0)] ?? "heuristic";
  return {
    executableMemfd: canMakeExecutableMemfd(libc),
    lowestAddress: lowestAddress(read),
    overcommit,
    commitAvailableBytes: overcommit === "never" ? commitAvailable(read("/proc/meminfo")) : null,
  };
}

/** CAP_SYS_RAWIO lifts the limit (Linux security/commoncap.c, cap_mmap_addr). */
function lowestAddress(read: ReadText): number {
  if (holdsCapability(read("/proc/self/status"), CAP_SYS_RAWIO)) return 0;
  return Number(readSysctl("vm.mmap_min_addr", read) ?? 0);
}

/** Really makes one: kernels before 6.3 do not know MFD_EXEC and need none; later ones may be told to refuse it. */
function canMakeExecutableMemfd(libc: ProbeLibc): boolean {
  let descriptor = libc.memfdCreate("skiff-doctor", MFD_CLOEXEC | MFD_EXEC);
  if (descriptor < 0 && libc.errno() === EINVAL) descriptor = libc.memfdCreate("skiff-doctor", MFD_CLOEXEC);
  if (descriptor < 0) return false;
  closeSync(descriptor);
  return true;
}

function commitAvailable(meminfo: string | undefined): number {
  const limitBytes = kibibytes(readField(meminfo, "CommitLimit"));
  return Math.max(0, limitBytes - kibibytes(readField(meminfo, "Committed_AS")));
}

/** What keeps a guest from being a process of its own. */
export function layoutLacks(memory: MemoryFacts): Lack[] {
  const lacks: Lack[] = [];
  if (!memory.executableMemfd) lacks.push(lack("files in memory may not be executed", "vm.memfd_noexec=0"));
  if (memory.lowestAddress > GUEST_BASE_ADDRESS) {
    const reason = `the lowest address to map is ${memory.lowestAddress}, and guests begin at ${GUEST_BASE_ADDRESS}`;
    lacks.push(lack(reason, `vm.mmap_min_addr=${GUEST_BASE_ADDRESS}`));
  }
  return lacks;
}

/** What keeps a guest from having as much memory as it gets where nothing else is asked. */
export function commitLacks({ commitAvailableBytes }: MemoryFacts): Lack[] {
  if (commitAvailableBytes === null || commitAvailableBytes >= GUEST_BYTES) return [];
  const mebibytes = Math.floor(commitAvailableBytes / 2 ** 20);
  return [lack(`only ${mebibytes} MiB may still be promised, and a guest asks for 512`, "vm.overcommit_memory=0")];
}

function lack(reason: string, parameter: string): Lack {
  return { subject: "memory", reason, mend: [asRoot(`sysctl -w ${parameter}`)] };
}
