import koffi from "koffi";
import { HostError } from "../../host/error.ts";
import { declareTimers } from "../../host/posix-timers.ffi.ts";
import type { KvmVcpu } from "./kvm.ffi.ts";

/** A real-time signal that neither glibc (32 to 34) nor Node uses; the same number on both architectures. */
const SIGNAL = 61;
const SIG_BLOCK = 0;
/** glibc's sigset_t; its first 64 bits are the kernel's. */
const SIGSET_BYTES = 128;
const KERNEL_SIGSET_BYTES = 8;
const CLOCK_MONOTONIC = 1;
const SIGEV_THREAD_ID = 4;
const SIGEVENT_BYTES = 64;
const NS_PER_S = 1e9;

const libc = koffi.load(null);
const declarations = {
  gettid: libc.func("int gettid()"),
  tgkill: libc.func("int tgkill(int, int, int)"),
  pthreadSigmask: libc.func("int pthread_sigmask(int, void *, void *)"),
  sigtimedwait: libc.func("int sigtimedwait(void *, void *, void *)"),
  ...declareTimers(koffi),
};

/**
 * Ends KVM_RUN after a while, for guests that never leave it by themselves: a timer sends a signal to this very thread,
 * which blocks it; only the running vCPU lets it through, so that it needs no handler and reaches nothing but KVM_RUN
 * (Linux Documentation/virt/kvm/api.rst, KVM_RUN and KVM_SET_SIGNAL_MASK). One a thread, for all of its machines.
 */
export class TimeSlice {
  static #ofThisThread: TimeSlice | undefined;
  /** The kernel's number of the thread. */
  readonly thread: number = currentThread();
  readonly #timer: bigint;
  readonly #signals = signalSet();
  /** `struct itimerspec`: interval and expiry, each of seconds and nanoseconds. */
  readonly #wanted = new BigInt64Array(4);
  readonly #atOnce = new BigInt64Array(2);
  /** `struct kvm_signal_mask`: length and the signals that stay blocked. */
  readonly #vcpuMask = new Uint8Array(4 + KERNEL_SIGSET_BYTES);

  /** @throws {HostError} where the host refuses the timer. */
  static ofThisThread(): TimeSlice {
    TimeSlice.#ofThisThread ??= new TimeSlice();
    return TimeSlice.#ofThisThread;
  }

  private constructor() {
    const blocked = new Uint8Array(SIGSET_BYTES);
    const refusal: number = declarations.pthreadSigmask(SIG_BLOCK, this.#signals, blocked);
    if (refusal !== 0) throw new HostError("pthread_sigmask", refusal);
    const mask = new DataView(this.#vcpuMask.buffer);
    mask.setUint32(0, KERNEL_SIGSET_BYTES, true);
    mask.setBigUint64(4, new DataView(blocked.buffer).getBigUint64(0, true) & ~SIGNAL_BIT, true);
    this.#timer = createTimer();
  }

  /** Lets the slice's signal end this vCPU's runs. */
  admit(vcpu: KvmVcpu): void {
    vcpu.tell("KVM_SET_SIGNAL_MASK", this.#vcpuMask);
  }

  /** @param sliceNs above 0. */
  begin(sliceNs: number): void {
    this.#set(sliceNs);
  }

  /** Ends the slice, used or not: its signal does not reach a later run. */
  end(): void {
    this.#set(0);
    while (declarations.sigtimedwait(this.#signals, null, this.#atOnce) === SIGNAL);
  }

  #set(ns: number): void {
    const seconds = Math.floor(ns / NS_PER_S);
    this.#wanted[2] = BigInt(seconds);
    this.#wanted[3] = BigInt(Math.floor(ns - seconds * NS_PER_S));
    if (declarations.timerSettime(this.#timer, 0, this.#wanted, null) < 0) {
      throw new HostError("timer_settime", koffi.errno());
    }
  }
}

/** The kernel's number of this thread. */
export function currentThread(): number {
  return declarations.gettid();
}

/** Whether this process has such a thread. */
export function isThread(thread: number): boolean {
  return declarations.tgkill(process.pid, thread, 0) === 0;
}

/** Ends a thread's run of a guest, or its next one; any thread of this process may ask for it. @param thread of a `TimeSlice`. */
export function interrupt(thread: number): void {
  declarations.tgkill(process.pid, thread, SIGNAL);
}

const SIGNAL_BIT = 1n << BigInt(SIGNAL - 1);

function signalSet(): Uint8Array {
  const set = new DataView(new ArrayBuffer(SIGSET_BYTES));
  set.setBigUint64(0, SIGNAL_BIT, true);
  return new Uint8Array(set.buffer);
}

/** timer_create(2): struct sigevent has value (8 bytes), signo (i32), notify (i32), thread (i32). */
function createTimer(): bigint {
  const event = new DataView(new ArrayBuffer(SIGEVENT_BYTES));
  event.setInt32(8, SIGNAL, true);
  event.setInt32(12, SIGEV_THREAD_ID, true);
  event.setInt32(16, declarations.gettid(), true);
  const timer = new BigUint64Array(1);
  if (declarations.timerCreate(CLOCK_MONOTONIC, event, timer) < 0) throw new HostError("timer_create", koffi.errno());
  return timer[0] ?? 0n;
}
