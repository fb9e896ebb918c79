import { closeSync } from "node:fs";
import koffi from "koffi";
import { ERRNO } from "./errno.ts";
import { HostError } from "./error.ts";
import { read, write } from "./transfer.ffi.ts";

// Linux include/uapi/linux/eventpoll.h, eventfd.h, asm-generic/fcntl.h.
const EPOLL_CLOEXEC = 0o2000000;
const EFD_CLOEXEC_NONBLOCK = 0o2004000;
const OPERATION = { add: 1, remove: 2, modify: 3 } as const;
const EPOLLIN = 1;
const TRIGGER = { level: EPOLLIN, once: EPOLLIN | (1 << 30), edge: EPOLLIN | (1 << 31) } as const;
/** `struct epoll_event` is packed on x86-64 alone. */
const EVENT = process.arch === "x64" ? { bytes: 12, data: 4 } : { bytes: 16, data: 8 };
const EVENTS_AT_ONCE = 64;

const libc = koffi.load(null);
const declarations = {
  epollCreate: libc.func("int epoll_create1(int)"),
  epollControl: libc.func("int epoll_ctl(int, int, int, void *)"),
  epollWait: libc.func("int epoll_wait(int, void *, int, int)"),
  eventfd: libc.func("int eventfd(unsigned int, int)"),
};

/** A set of descriptors, each with a number of the caller's, that one thread waits for until some can be read. */
export class EpollSet {
  readonly #descriptor: number;
  readonly #events = new Uint8Array(EVENTS_AT_ONCE * EVENT.bytes);
  readonly #view = new DataView(this.#events.buffer);

  /** @throws {HostError} where the host refuses the set. */
  constructor() {
    this.#descriptor = check("epoll_create1", declarations.epollCreate(EPOLL_CLOEXEC));
  }

  /**
   * Adds, changes or removes a descriptor.
   * @param id below 2^32: what `id` gives once the descriptor can be read or has failed.
   * @param trigger how long it is told of: as long as it can be read; once, until it is modified; for each time that more
   *   can be read.
   */
  change(operation: keyof typeof OPERATION, descriptor: number, id: number, trigger: keyof typeof TRIGGER): void {
    const event = new DataView(new ArrayBuffer(EVENT.bytes));
    event.setUint32(0, TRIGGER[trigger], true);
    event.setUint32(EVENT.data, id, true);
    check("epoll_ctl", declarations.epollControl(this.#descriptor, OPERATION[operation], descriptor, event));
  }

  /**
   * Holds this thread until a descriptor is ready.
   * @param timeoutMs how long at most; for ever below 0.
   * @returns how many there are, by their places from 0 on; 0 after a signal too.
   */
  wait(timeoutMs: number): number {
    const count: number = declarations.epollWait(this.#descriptor, this.#events, EVENTS_AT_ONCE, timeoutMs);
    if (count >= 0) return count;
    const errno = koffi.errno();
    if (errno !== ERRNO.EINTR) throw new HostError("epoll_wait", errno);
    return 0;
  }

  /** As `wait`, for ever, on a thread of libuv's pool. */
  waitAside(onReady: (count: number) => void): void {
    declarations.epollWait.async(
      this.#descriptor,
      this.#events,
      EVENTS_AT_ONCE,
      -1,
      (error: unknown, count: number) => {
        if (error !== null) throw error;
        onReady(count);
      },
    );
  }

  /** After a wait: the number of the ready descriptor at that place. */
  id(place: number): number {
    return this.#view.getUint32(place * EVENT.bytes + EVENT.data, true);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

/** A descriptor that can be read from a signal on until it is drained: an eventfd. */
export class EventDescriptor {
  readonly descriptor: number;
  readonly #count = new BigUint64Array(1);
  readonly #bytes = new Uint8Array(this.#count.buffer);

  /** @param descriptor of another thread's; a new one where it is left out. @throws {HostError} where the host refuses. */
  constructor(descriptor?: number) {
    this.descriptor = descriptor ?? check("eventfd", declarations.eventfd(0, EFD_CLOEXEC_NONBLOCK));
  }

  signal(): void {
    write(this.descriptor, ONE, ONE.length);
  }

  /** @returns how often it was signalled. */
  drain(): number {
    return read(this.descriptor, this.#bytes, this.#bytes.length) > 0 ? Number(this.#count[0]) : 0;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new HostError(call, koffi.errno());
  return result;
}
