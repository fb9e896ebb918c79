import type { Architecture } from "../../../format/image.ts";
import { SYSTEM_CALLS } from "../syscalls.ts";

/** A condition on one 64-bit argument of a system call. */
export type Condition =
  | { readonly argument: number; readonly is: "equal"; readonly value: bigint }
  | { readonly argument: number; readonly is: "atMost"; readonly value: bigint }
  /** A multiple of `value`, a power of two below 2^32. */
  | { readonly argument: number; readonly is: "multipleOf"; readonly value: bigint };

/** One way in which a system call is allowed: all its conditions hold. Any rule that holds allows the call. */
export interface Rule {
  /** The call's number on the policy's architecture. */
  readonly number: number;
  readonly conditions: readonly Condition[];
}

/** What a guest may ask of the kernel; everything else ends it with SIGSYS. */
export interface Policy {
  readonly architecture: Architecture;
  /** In order of how often a guest is likely to call: the filter tries them in this order. */
  readonly rules: readonly Rule[];
}

/** The descriptors of a guest, as the filter must know them. */
export interface Descriptors {
  readonly epoll: number;
  readonly timer: number;
  readonly net: readonly number[];
  readonly block: readonly {
    readonly descriptor: number;
    readonly capacityBytes: number;
    readonly blockBytes: number;
  }[];
}

const STDOUT = 1n;
// Linux include/uapi/linux/time.h and arch/x86/include/uapi/asm/prctl.h.
const CLOCK_REALTIME = 0n;
const CLOCK_MONOTONIC = 1n;
const ARCH_SET_FS = 0x1002n;

/** Exactly what a guest of Solo5's `spt` ABI, version 2, asks for on these descriptors. */
export function sptPolicy(architecture: Architecture, descriptors: Descriptors): Policy {
  const numbers = SYSTEM_CALLS[architecture];
  const rules: Rule[] = [];
  const allow = (number: number, ...conditions: Condition[]) => rules.push({ number, conditions });
  for (const net of descriptors.net) allow(numbers.read, equal(0, BigInt(net)));
  for (const net of descriptors.net) allow(numbers.write, equal(0, BigInt(net)));
  allow(numbers.write, equal(0, STDOUT));
  // No signal mask: a guest must not put off the signals that end it.
  allow(numbers.epoll_pwait, equal(0, BigInt(descriptors.epoll)), equal(4, 0n));
  allow(numbers.timerfd_settime, equal(0, BigInt(descriptors.timer)));
  allow(numbers.clock_gettime, equal(0, CLOCK_MONOTONIC));
  allow(numbers.clock_gettime, equal(0, CLOCK_REALTIME));
  for (const { descriptor, capacityBytes, blockBytes } of descriptors.block) {
    const block = BigInt(blockBytes);
    const conditions: Condition[] = [
      equal(0, BigInt(descriptor)),
      equal(2, block),
      { argument: 3, is: "atMost", value: BigInt(capacityBytes) - block },
      { argument: 3, is: "multipleOf", value: block },
    ];
    allow(numbers.pread64, ...conditions);
    allow(numbers.pwrite64, ...conditions);
  }
  if (architecture === "x86-64") allow(SYSTEM_CALLS[architecture].arch_prctl, equal(0, ARCH_SET_FS));
  allow(numbers.exit_group);
  return { architecture, rules };
}

function equal(argument: number, value: bigint): Condition {
  return { argument, is: "equal", value };
}
