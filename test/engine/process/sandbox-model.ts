import type { Architecture } from "../../../src/format/image.ts";

// What a guest may ask of the kernel, in plain words: Solo5 v0.12, tenders/spt/spt_core.c and its modules, with the wait's
// signal mask refused. Numbers by the kernel's tables: arch/x86/entry/syscalls/syscall_64.tbl and
// include/uapi/asm-generic/unistd.h.

export interface Sandbox {
  readonly architecture: Architecture;
  readonly epoll: number;
  readonly timer: number;
  readonly net: readonly number[];
  readonly block: readonly {
    readonly descriptor: number;
    readonly capacityBytes: number;
    readonly blockBytes: number;
  }[];
}

export const CALLS = {
  "x86-64": {
    ...{ read: 0, write: 1, pread64: 17, pwrite64: 18, epoll_pwait: 281, timerfd_settime: 286 },
    ...{ clock_gettime: 228, arch_prctl: 158, exit_group: 231 },
  },
  aarch64: {
    ...{ read: 63, write: 64, pread64: 67, pwrite64: 68, epoll_pwait: 22, timerfd_settime: 86 },
    // No such call: a number that is none.
    ...{ clock_gettime: 113, arch_prctl: 9999, exit_group: 94 },
  },
} as const satisfies Record<Architecture, Readonly<Record<string, number>>>;

export type CallName = keyof (typeof CALLS)["x86-64"];

export interface GuestCall {
  /** A call that the ABI knows, or any number. */
  readonly call: CallName | number;
  /** Words of 64 bits, unsigned. */
  readonly args: readonly bigint[];
}

export function isAllowed(sandbox: Sandbox, { call, args }: GuestCall): { number: number; allowed: boolean } {
  const calls = CALLS[sandbox.architecture];
  const number = typeof call === "number" ? call : calls[call];
  const name = (Object.keys(calls) as CallName[]).find((candidate) => calls[candidate] === number);
  return { number, allowed: name !== undefined && CHECKS[name](sandbox, args) };
}

type Check = (sandbox: Sandbox, args: readonly bigint[]) => boolean;

const isBlockInside: Check = ({ block }, [descriptor, , length, offset = 0n]) =>
  block.some(
    ({ descriptor: own, capacityBytes, blockBytes }) =>
      descriptor === BigInt(own) &&
      length === BigInt(blockBytes) &&
      offset % BigInt(blockBytes) === 0n &&
      offset + BigInt(blockBytes) <= BigInt(capacityBytes),
  );

const CHECKS: Readonly<Record<CallName, Check>> = {
  read: ({ net }, [descriptor]) => net.some((own) => BigInt(own) === descriptor),
  write: ({ net }, [descriptor]) => descriptor === 1n || net.some((own) => BigInt(own) === descriptor),
  pread64: isBlockInside,
  pwrite64: isBlockInside,
  epoll_pwait: ({ epoll }, [descriptor, , , , mask]) => descriptor === BigInt(epoll) && mask === 0n,
  timerfd_settime: ({ timer }, [descriptor]) => descriptor === BigInt(timer),
  clock_gettime: (_, [clock]) => clock === 0n || clock === 1n,
  arch_prctl: ({ architecture }, [code]) => architecture === "x86-64" && code === 0x1002n,
  exit_group: () => true,
};
