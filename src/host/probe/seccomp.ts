import type { Lack } from "./lack.ts";
import type { ProbeLibc } from "./libc.ffi.ts";
import { type ReadText, readSysctl, readText } from "./text.ts";

export interface SeccompFacts {
  /** The kernel takes filters from this process. */
  readonly filter: boolean;
  /** A filter can end the whole process (SECCOMP_RET_KILL_PROCESS, Linux 4.14). */
  readonly killProcess: boolean;
  /** A process can give up gaining rights, which lets it set a filter without being root. */
  readonly noNewPrivileges: boolean;
}

/* include/uapi/linux/prctl.h and include/uapi/linux/seccomp.h */
const PR_SET_SECCOMP = 22;
const PR_GET_NO_NEW_PRIVS = 39;
const SECCOMP_MODE_FILTER = 2n;
const EFAULT = 14;

/**
 * Asks the kernel itself, without setting anything: prctl(2) tells a kernel that takes filters by EFAULT for a filter at
 * address 0. A file of /proc would speak for the kernel alone, not for an emulation of its calls such as qemu-user.
 */
export function probeSeccomp(libc: ProbeLibc, read: ReadText = readText): SeccompFacts {
  const answer = libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0n, 0n, 0n);
  const filter = answer < 0 && libc.errno() === EFAULT;
  return {
    filter,
    killProcess: readSysctl("kernel.seccomp.actions_avail", read)?.split(" ").includes("kill_process") ?? false,
    noNewPrivileges: libc.prctl(PR_GET_NO_NEW_PRIVS, 0n, 0n, 0n, 0n) >= 0,
  };
}

export function seccompLacks(seccomp: SeccompFacts): Lack[] {
  const lacks: Lack[] = [];
  const lack = (reason: string) => lacks.push({ subject: "seccomp", reason, mend: [] });
  if (!seccomp.filter) lack("the kernel takes no filter (CONFIG_SECCOMP_FILTER), or something between refuses it");
  else if (!seccomp.killProcess) lack("a filter cannot end a process: this needs Linux 4.14");
  if (!seccomp.noNewPrivileges) lack("the kernel has no PR_SET_NO_NEW_PRIVS: this needs Linux 3.5");
  return lacks;
}
