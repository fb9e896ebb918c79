import type { Architecture } from "../../format/image.ts";

/** The system calls that start code makes, and those that the filter leaves to a guest. */
export type SystemCall =
  | "arch_prctl"
  | "clock_gettime"
  | "close"
  | "close_range"
  | "dup3"
  | "epoll_create1"
  | "epoll_ctl"
  | "epoll_pwait"
  | "exit_group"
  | "fcntl"
  | "getrandom"
  | "ioctl"
  | "lseek"
  | "mmap"
  | "munmap"
  | "personality"
  | "prctl"
  | "pread64"
  | "pwrite64"
  | "read"
  | "seccomp"
  | "socket"
  | "timerfd_create"
  | "timerfd_settime"
  | "write";

/** Linux arch/x86/entry/syscalls/syscall_64.tbl. */
const X86_64: Readonly<Record<SystemCall, number>> = {
  read: 0,
  write: 1,
  close: 3,
  lseek: 8,
  mmap: 9,
  munmap: 11,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  socket: 41,
  fcntl: 72,
  personality: 135,
  prctl: 157,
  arch_prctl: 158,
  clock_gettime: 228,
  exit_group: 231,
  epoll_ctl: 233,
  epoll_pwait: 281,
  timerfd_create: 283,
  timerfd_settime: 286,
  epoll_create1: 291,
  dup3: 292,
  seccomp: 317,
  getrandom: 318,
  close_range: 436,
};

/** Linux include/uapi/asm-generic/unistd.h, which arm64 uses; it has no `arch_prctl`. */
const AARCH64: Readonly<Record<Exclude<SystemCall, "arch_prctl">, number>> = {
  epoll_create1: 20,
  epoll_ctl: 21,
  epoll_pwait: 22,
  dup3: 24,
  fcntl: 25,
  ioctl: 29,
  close: 57,
  lseek: 62,
  read: 63,
  write: 64,
  pread64: 67,
  pwrite64: 68,
  timerfd_create: 85,
  timerfd_settime: 86,
  personality: 92,
  exit_group: 94,
  clock_gettime: 113,
  prctl: 167,
  socket: 198,
  munmap: 215,
  mmap: 222,
  seccomp: 277,
  getrandom: 278,
  close_range: 436,
};

/** Numbers of the system calls; `arch_prctl` exists on x86-64 alone. */
export const SYSTEM_CALLS = { "x86-64": X86_64, aarch64: AARCH64 } as const satisfies Record<
  Architecture,
  Readonly<Partial<Record<SystemCall, number>>>
>;
