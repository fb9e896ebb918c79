import type { ProcessEnd } from "../../host/launch.ffi.ts";

/** How an instance's first process ended: by a status of its own, or by a signal's number. */
export type Exit = ProcessEnd;

/**
 * One running instance of a program on a target: fresh, used for one sample, then stopped. `launchInstance` makes it for
 * whatever is a process tree under one command; a target with a daemon implements it by itself.
 */
export interface Instance {
  /** When its command was executed: nanoseconds of `process.hrtime`. */
  readonly startedNs: bigint;
  /**
   * Resolves with the time at which the first byte of output arrived; at most some ten microseconds late.
   * @throws SampleError where it ends, or the limit passes, without a byte.
   */
  readonly firstOutput: (limitMs: number) => Promise<bigint>;
  /**
   * Resolves when it has ended and all of its output is there.
   * @throws SampleError where the limit passes before.
   */
  readonly exited: (limitMs: number) => Promise<Ended>;
  /** What it has written up to now to standard output and standard error together, as text; at most the first MiB. */
  readonly output: () => string;
  /**
   * Every process that is there for its sake, e.g. the container's, or the virtual machine monitor; not a daemon that
   * serves others too. Their cores are checked and their memory is summed up.
   */
  readonly pids: () => readonly number[];
  /** Ends it with everything that belongs to it, and waits until that is gone; ten seconds at most. May be called twice. */
  readonly stop: () => Promise<void>;
}

export interface Ended {
  readonly exit: Exit;
  /** When its end was noticed, by `process.hrtime`. */
  readonly endedNs: bigint;
}

/** e.g. `exited with status 1`. */
export function describeExit(exit: Exit): string {
  return "status" in exit ? `exited with status ${exit.status}` : `was ended by signal ${exit.signal}`;
}
