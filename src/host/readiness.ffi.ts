import { EpollSet, EventDescriptor } from "./epoll.ffi.ts";

const WAKE = 0;

/**
 * Tells this thread's event loop when descriptors can be read, of which Node has no means of its own. All wait in one
 * epoll set, and one thread of libuv's pool waits for that, only while there is something to wait for.
 */
export class Readiness {
  static #ofThisThread: Readiness | undefined;
  readonly #set = new EpollSet();
  /** Wakes the waiting thread. */
  readonly #wake = new EventDescriptor();
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
    this.#set.change("add", this.#wake.descriptor, WAKE, "level");
    // Node waits for its pool as it exits.
    process.on("exit", () => this.#wakeUp());
  }

  /** @param onReady called once for each `arm`, when the descriptor can be read or has failed. */
  watch(descriptor: number, onReady: () => void): Watch {
    const id = ++this.#last;
    const watch = new Watch(onReady, {
      change: (operation) => this.#set.change(operation, descriptor, id, "once"),
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
    this.#set.waitAside((count) => {
      // Still as if it waited: a watch that is armed meanwhile must not have the events overwritten.
      this.#dispatch(count);
      this.#isWaiting = false;
      this.#wait();
    });
  }

  #dispatch(count: number): void {
    for (let index = 0; index < count; index++) {
      const id = this.#set.id(index);
      if (id === WAKE) this.#wake.drain();
      this.#watches.get(id)?.fire();
    }
  }

  #wakeUp(): void {
    if (this.#isWaiting) this.#wake.signal();
  }
}

interface WatchSet {
  readonly change: (operation: "add" | "modify" | "remove") => void;
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
    this.#set.change(this.#state === "absent" ? "add" : "modify");
    this.#state = "armed";
    this.#set.count(1);
  }

  disarm(): void {
    if (this.#state !== "armed") return;
    this.#set.change("remove");
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
    if (this.#state === "fired") this.#set.change("remove");
    this.#state = "absent";
    this.#set.forget();
  }
}
