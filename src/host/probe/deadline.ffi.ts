import { HostError } from "../error.ts";
import type { KvmMachine } from "./kvm-machine.ffi.ts";
import type { ProbeLibc } from "./libc.ffi.ts";

/** include/uapi/linux/kvm.h: struct kvm_signal_mask, a length (u32) and a kernel signal set of that many bytes. */
const KVM_SET_SIGNAL_MASK = 0x4004ae8b;
const KERNEL_SIGSET_BYTES = 8;

/** A real-time signal that neither glibc (32 to 34) nor Node uses; the same number on both architectures. */
const SIGNAL = 62;
const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
/** glibc's sigset_t; its first 64 bits are the kernel's. */
const SIGSET_BYTES = 128;
const CLOCK_MONOTONIC = 1;
const SIGEV_THREAD_ID = 4;

/**
 * Calls `work`, and ends a KVM_RUN of `machine` in it after the time limit: KVM_RUN then fails with EINTR.
 *
 * A timer sends a signal to this very thread. The thread blocks it and only the running vCPU lets it through, so that it
 * needs no handler and reaches nothing but KVM_RUN (api.rst, 4.8 KVM_RUN and 4.13 KVM_SET_SIGNAL_MASK).
 */
export function withDeadline<T>(libc: ProbeLibc, machine: KvmMachine, limitMs: number, work: () => T): T {
  const only = signalSet(SIGNAL);
  const previous = new Uint8Array(SIGSET_BYTES);
  const refusal = libc.pthreadSigmask(SIG_BLOCK, only, previous);
  if (refusal !== 0) throw new HostError("pthread_sigmask", refusal);
  try {
    machine.tellVcpu("KVM_SET_SIGNAL_MASK", KVM_SET_SIGNAL_MASK, vcpuMask(previous));
    const timer = startTimer(libc, limitMs);
    try {
      return work();
    } finally {
      libc.timerDelete(timer);
    }
  } finally {
    // A signal that came is still pending, and would end the process once unblocked; only newer kernels drop it with its timer.
    const atOnce = new Uint8Array(16);
    while (libc.sigtimedwait(only, null, atOnce) === SIGNAL);
    libc.pthreadSigmask(SIG_SETMASK, previous, null);
  }
}

function signalSet(signal: number): Uint8Array {
  const set = new DataView(new ArrayBuffer(SIGSET_BYTES));
  set.setBigUint64(0, 1n << BigInt(signal - 1), true);
  return new Uint8Array(set.buffer);
}

/** What the vCPU blocks while it runs: what the thread blocked before, without the signal. */
function vcpuMask(blocked: Uint8Array): Uint8Array {
  const mask = new DataView(new ArrayBuffer(4 + KERNEL_SIGSET_BYTES));
  mask.setUint32(0, KERNEL_SIGSET_BYTES, true);
  const set = new DataView(blocked.buffer).getBigUint64(0, true) & ~(1n << BigInt(SIGNAL - 1));
  mask.setBigUint64(4, set, true);
  return new Uint8Array(mask.buffer);
}

/** timer_create(2): struct sigevent has value (8 bytes), signo (i32), notify (i32), thread (i32); 64 bytes in all. */
function startTimer(libc: ProbeLibc, limitMs: number): bigint {
  const event = new DataView(new ArrayBuffer(64));
  event.setInt32(8, SIGNAL, true);
  event.setInt32(12, SIGEV_THREAD_ID, true);
  event.setInt32(16, libc.gettid(), true);
  const timer = new BigUint64Array(1);
  if (libc.timerCreate(CLOCK_MONOTONIC, new Uint8Array(event.buffer), new Uint8Array(timer.buffer)) < 0) {
    throw new HostError("timer_create", libc.errno());
  }
  const handle = timer[0] ?? 0n;
  // struct itimerspec: interval (none) and expiry, each of seconds and nanoseconds.
  const value = BigInt64Array.of(0n, 0n, BigInt(Math.floor(limitMs / 1000)), BigInt(limitMs % 1000) * 1_000_000n);
  if (libc.timerSettime(handle, 0, new Uint8Array(value.buffer), null) < 0) {
    const errno = libc.errno();
    libc.timerDelete(handle);
    throw new HostError("timer_settime", errno);
  }
  return handle;
}
