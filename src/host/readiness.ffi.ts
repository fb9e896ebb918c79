import koffi from "koffi";
import { HostError } from "./error.ts";
import { read, write } from "./transfer.ffi.ts";

// Linux include/uapi/linux/eventpoll.h, eventfd.h, asm-generic/fcntl.h.
const EPOLL_CLOEXEC = 0o2000000;
const EFD_CLOEXEC_NONBLOCK = 0o2004000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 1;
const EPOLLONESHOT = 1 << 30;
/** `struct epoll_event` is packed on x86-64 alone. */
const EVENT = process.arch === "x64" ? { bytes: 12, data: 4 } : { bytes: 16, data: 8 };
const EVENTS_AT_ONCE = 64;
const WAKE = 0;

const libc = koffi.load(null);
const declarations = {
  epollCreate: libc.func("int epoll_create1(int)"),
  epollControl: libc.func("int epoll_ctl(int, int, int, void *)"),
  epollWait: libc.func("int epoll_wait(int, void *, int, int)"),
  eventfd: libc.func("int eventfd(unsigned int, int)"),
};

/**
 * Tells this thread's event loop when descriptors can be read, of which Node has no means of its own. All wait in one
 * epoll set, and one thread of libuv's pool waits for that, only while there is something to wait for.
 */
export class Readiness {
  static #ofThisThread: Readiness | undefined;
  readonly #epoll: number;
  /** Wakes the waiting thread. */
  readonly #wake: number;
  readonly #events = new Uint8Array(EVENTS_AT_ONCE * EVENT.bytes);
  readonly #view = new DataView(this.#events.buffer);
  readonly #watches = new Map<number, Watch>();
  #armed = 0;
  #isWaiting = false;
  #last = WAKE;

  /** @throws {HostError} where the host refuses the set. */
  static ofThisThread(): Readiness {
    Readiness.#ofThisThread ??= new Readiness();
    return Readiness.#ofThisThread;
  }

  private constructor() {
    this.#epoll = check("epoll_create1", declarations.epollCreate(EPOLL_CLOEXEC));
    this.#wake = check("eventfd", declarations.eventfd(0, EFD_CLOEXEC_NONBLOCK));
    this.#control(EPOLL_CTL_ADD, this.#wake, EPOLLIN, WAKE);
    // Node waits for its pool as it exits.
    process.on("exit", () => this.#wakeUp());
  }

  /** @param onReady called once for each `arm`, when the descriptor can be read or has failed. */
  watch(descriptor: number, onReady: () => void): Watch {
    const id = ++this.#last;
    const watch = new Watch(onReady, {
      change: (operation) => this.#control(operation, descriptor, EPOLLIN | EPOLLONESHOT, id),
      count: (difference) => this.#count(difference),
      forget: () => this.#watches.delete(id),
    });
    this.#watches.set(id, watch);
    return watch;
  }

  /** While any watch is armed, the waiting keeps the process alive. */
  #count(difference: 1 | -1): void {
    this.#armed += difference;
    if (this.#armed === 0) this.#wakeUp();
    else this.#wait();
  }

  #wait(): void {
    if (this.#isWaiting || this.#armed === 0) return;
    this.#isWaiting = true;
    declarations.epollWait.async(this.#epoll, this.#events, EVENTS_AT_ONCE, -1, (error: unknown, count: number) => {
      if (error !== null) throw error;
      // Still as if it waited: a watch that is armed meanwhile must not have the events overwritten.
      this.#dispatch(count);
      this.#isWaiting = false;
      this.#wait();
    });
  }

  #dispatch(count: number): void {
    for (let index = 0; index < count; index++) {
      const id = this.#view.getUint32(index * EVENT.bytes + EVENT.data, true);
      if (id === WAKE) read(this.#wake, new Uint8Array(8), 8);
      this.#watches.get(id)?.fire();
    }
  }

  #wakeUp(): void {
    if (this.#isWaiting) write(this.#wake, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
  }

  #control(operation: number, descriptor: number, events: number, id: number): void {
    const event = new DataView(new ArrayBuffer(EVENT.bytes));
    event.setUint32(0, events, true);
    event.setUint32(EVENT.data, id, true);
    check("epoll_ctl", declarations.epollControl(this.#epoll, operation, descriptor, event));
  }
}

interface WatchSet {
  readonly change: (operation: number) => void;
  readonly count: (difference: 1 | -1) => void;
  readonly forget: () => void;
}

/** A descriptor that is watched. */
export class Watch {
  readonly #onReady: () => void;
  readonly #set: WatchSet;
  /** In the set, a descriptor that has fired is silent; one that should be silent for another reason must leave it. */
  #state: "absent" | "armed" | "fired" = "absent";

  constructor(onReady: () => void, set: WatchSet) {
    this.#onReady = onReady;
    this.#set = set;
  }

  /** Asks for one call of `onReady`. */
  arm(): void {
    if (this.#state === "armed") return;
    this.#set.change(this.#state === "absent" ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
    this.#state = "armed";
    this.#set.count(1);
  }

  disarm(): void {
    if (this.#state !== "armed") return;
    this.#set.change(EPOLL_CTL_DEL);
    this.#state = "absent";
    this.#set.count(-1);
  }

  /** The set's part: the descriptor can be read. Does nothing where it was disarmed meanwhile. */
  fire(): void {
    if (this.#state !== "armed") return;
    this.#state = "fired";
    this.#set.count(-1);
    this.#onReady();
  }

  /** Before the descriptor is closed. */
  close(): void {
    this.disarm();
    if (this.#state === "fired") this.#set.change(EPOLL_CTL_DEL);
    this.#state = "absent";
    this.#set.forget();
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new HostError(call, koffi.errno());
  return result;
}
