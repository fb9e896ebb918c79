import { declareTimers } from "../posix-timers.ffi.ts";

/** An address in this process. */
export type Address = bigint;

/** The calls of libc that the probes need: results as libc gives them, -1 for an error. */
export interface ProbeLibc {
  readonly ioctl: (descriptor: number, request: number, argument: Address | Uint8Array) => number;
  readonly prctl: (option: number, arg2: bigint, arg3: bigint, arg4: bigint, arg5: bigint) => number;
  readonly memfdCreate: (name: string, flags: number) => number;
  readonly mmap: (
    hint: Address,
    bytes: number,
    protection: number,
    flags: number,
    descriptor: number,
    offset: number,
  ) => Address;
  readonly munmap: (address: Address, bytes: number) => number;
  readonly gettid: () => number;
  readonly pthreadSigmask: (how: number, set: Uint8Array, previous: Uint8Array | null) => number;
  readonly sigtimedwait: (set: Uint8Array, info: null, timeout: Uint8Array) => number;
  readonly timerCreate: (clock: number, event: Uint8Array, timer: Uint8Array) => number;
  readonly timerSettime: (timer: Address, flags: number, value: Uint8Array, previous: null) => number;
  readonly timerDelete: (timer: Address) => number;
  /** The error number of the last call that failed on this thread. */
  readonly errno: () => number;
  /** Shows mapped memory; nothing checks that it stays mapped. */
  readonly view: (address: Address, bytes: number) => DataView;
}

/**
 * Loads libc through koffi. Loaded when first asked for, so that a program that only imports the probes does not pay.
 * @throws whatever koffi throws where its native part is not installed or libc has not got a call.
 */
export async function loadProbeLibc(): Promise<ProbeLibc> {
  const { default: koffi } = await import("koffi");
  const libc = koffi.load(null);
  return {
    ioctl: libc.func("int ioctl(int, unsigned long, void *)"),
    prctl: libc.func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)"),
    memfdCreate: libc.func("int memfd_create(const char *, unsigned int)"),
    mmap: libc.func("void *mmap(void *, size_t, int, int, int, long)"),
    munmap: libc.func("int munmap(void *, size_t)"),
    gettid: libc.func("int gettid()"),
    pthreadSigmask: libc.func("int pthread_sigmask(int, void *, void *)"),
    sigtimedwait: libc.func("int sigtimedwait(void *, void *, void *)"),
    ...declareTimers(koffi),
    errno: () => koffi.errno(),
    view: (address, bytes) => new DataView(koffi.view(address, bytes)),
  };
}
