import koffi from "koffi";
import { HostError } from "./error.ts";

// Linux include/uapi: fcntl.h, memfd.h, resource.h, signal.h, socket.h, sockios.h, if.h, if_tun.h.
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0x800;
const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;
/** Linux mm/memfd.c, `MFD_NAME_MAX_LEN`. */
const MEMFD_NAME_BYTES_MAX = 249;
const RLIMIT_NOFILE = 7;
const SIG_SETMASK = 2;
const SIGNAL_SET_BYTES = 128;
const SEEK_END = 2;
const EINVAL = 22;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0x8_0002;

const libc = koffi.load(null);

// Ioctls and fcntls with a fixed signature: koffi's variadic calls are slower.
const declarations = {
  execve: libc.func("int execve(const char *, const char **, const char **)"),
  fcntl: libc.func("int fcntl(int, int, long)"),
  ioctl: libc.func("int ioctl(int, unsigned long, void *)"),
  getpagesize: libc.func("int getpagesize()"),
  lseek: libc.func("long lseek(int, long, int)"),
  memfdCreate: libc.func("int memfd_create(const char *, unsigned int)"),
  prlimit: libc.func("int prlimit(int, int, void *, void *)"),
  pthreadSigmask: libc.func("int pthread_sigmask(int, void *, void *)"),
  signal: libc.func("void *signal(int, void *)"),
  strerror: libc.func("const char *strerror(int)"),
  socket: libc.func("int socket(int, int, int)"),
};

function check(call: string, result: number, subject = ""): number {
  if (result < 0) throw new HostError(call, koffi.errno(), subject);
  return result;
}

/** Replaces this process by the program behind `path`; returns only by throwing `HostError`. */
export function execve(path: string, args: readonly string[], environment: readonly string[]): never {
  declarations.execve(path, [...args, null], [...environment, null]);
  throw new HostError("execve", koffi.errno(), path);
}

/**
 * An executable file in memory, closed on `execve`.
 * @param label what `/proc` calls it; as many of its characters are kept as fit.
 */
export function createExecutableMemfd(label: string): number {
  const name = label.slice(0, new TextEncoder().encodeInto(label, new Uint8Array(MEMFD_NAME_BYTES_MAX)).read);
  const descriptor: number = declarations.memfdCreate(name, MFD_CLOEXEC | MFD_EXEC);
  if (descriptor >= 0) return descriptor;
  // Kernels before 6.3 know no MFD_EXEC: there every memfd is executable.
  if (koffi.errno() !== EINVAL) throw new HostError("memfd_create", koffi.errno(), name);
  return check("memfd_create", declarations.memfdCreate(name, MFD_CLOEXEC), name);
}

/** The error number in words, as C programs print it. */
export function errorText(errno: number): string {
  return declarations.strerror(errno);
}

/** The host's page size. */
export function hostPageBytes(): number {
  return declarations.getpagesize();
}

/** Whether the descriptor is open. */
export function isOpen(descriptor: number): boolean {
  return declarations.fcntl(descriptor, F_GETFD, 0) >= 0;
}

export function setCloseOnExec(descriptor: number, close: boolean): void {
  check("fcntl", declarations.fcntl(descriptor, F_SETFD, close ? FD_CLOEXEC : 0), `descriptor ${descriptor}`);
}

/** File status flags (`F_GETFL`); undefined where the descriptor is not open. */
export function statusFlags(descriptor: number): number | undefined {
  const flags: number = declarations.fcntl(descriptor, F_GETFL, 0);
  return flags < 0 ? undefined : flags;
}

/** Sets O_NONBLOCK of the open file as it stands in `flags`; other flags stay. */
export function restoreNonBlocking(descriptor: number, flags: number): void {
  const current = statusFlags(descriptor);
  if (current === undefined || (current & O_NONBLOCK) === (flags & O_NONBLOCK)) return;
  const wanted = (current & ~O_NONBLOCK) | (flags & O_NONBLOCK);
  check("fcntl", declarations.fcntl(descriptor, F_SETFL, wanted), `descriptor ${descriptor}`);
}

/** Size in bytes of what the descriptor refers to, by seeking to its end; undefined where it cannot seek. */
export function seekableBytes(descriptor: number): number | undefined {
  const end = Number(declarations.lseek(descriptor, 0, SEEK_END));
  return end < 0 ? undefined : end;
}

/** Sets the signal's action to the default one. */
export function resetSignal(signal: number): void {
  declarations.signal(signal, null);
}

/** Unblocks every signal of the calling thread. */
export function clearSignalMask(): void {
  check("pthread_sigmask", -declarations.pthreadSigmask(SIG_SETMASK, new Uint8Array(SIGNAL_SET_BYTES), null));
}

export interface ResourceLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** Limit of open files of a process; 0 is this one. Undefined where the process may not be asked. */
export function openFilesLimit(pid: number): ResourceLimit | undefined {
  const limit = new BigUint64Array(2);
  if (declarations.prlimit(pid, RLIMIT_NOFILE, null, limit) < 0) return undefined;
  return { soft: limit[0] ?? 0n, hard: limit[1] ?? 0n };
}

export function setOpenFilesLimit(limit: ResourceLimit): void {
  const value = BigUint64Array.of(limit.soft, limit.hard);
  check("prlimit", declarations.prlimit(0, RLIMIT_NOFILE, value, null), "RLIMIT_NOFILE");
}

/** A socket that takes interface ioctls. */
export function interfaceSocket(): number {
  return check("socket", declarations.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0));
}

/** An ioctl whose argument is read and written in place; gives 0, or the error number. */
export function ioctlErrno(descriptor: number, request: number, argument: Uint8Array): number {
  return declarations.ioctl(descriptor, request, argument) < 0 ? koffi.errno() : 0;
}
