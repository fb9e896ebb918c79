import koffi from "koffi";
import { ERRNO } from "./errno.ts";
import { HostError } from "./error.ts";

const libc = koffi.load(null);
const ppoll = libc.func("int ppoll(void *, unsigned long, void *, void *)");

/** `struct pollfd`: descriptor, events, what happened (poll(2)). */
const POLLFD_BYTES = 8;
const EVENTS = 4;
const HAPPENED = 6;
const POLLIN = 1;
const NS_PER_S = 1e9;

/** Descriptors to wait for, until one can be read. */
export class PollSet {
  readonly #count: number;
  readonly #entries: DataView;
  /** `struct timespec`. */
  readonly #timeout = new BigInt64Array(2);

  constructor(descriptors: readonly number[]) {
    this.#count = descriptors.length;
    this.#entries = new DataView(new ArrayBuffer(Math.max(1, descriptors.length) * POLLFD_BYTES));
    for (const [index, descriptor] of descriptors.entries()) {
      this.#entries.setInt32(index * POLLFD_BYTES, descriptor, true);
      this.#entries.setInt16(index * POLLFD_BYTES + EVENTS, POLLIN, true);
    }
  }

  /**
   * Waits for so many nanoseconds at most.
   * @returns whether it ended by itself: false where a signal ended it.
   */
  wait(timeoutNs: number): boolean {
    const seconds = Math.floor(timeoutNs / NS_PER_S);
    this.#timeout[0] = BigInt(seconds);
    this.#timeout[1] = BigInt(Math.floor(timeoutNs - seconds * NS_PER_S));
    if (ppoll(this.#entries, this.#count, this.#timeout, null) >= 0) return true;
    const errno = koffi.errno();
    if (errno !== ERRNO.EINTR) throw new HostError("ppoll", errno);
    return false;
  }

  /** After a wait: whether a descriptor, by its place, can be read or has failed. */
  isReady(index: number): boolean {
    return this.#entries.getInt16(index * POLLFD_BYTES + HAPPENED, true) !== 0;
  }
}
