import { Worker } from "node:worker_threads";
import { isThread } from "../../engine/kvm/time-slice.ffi.ts";
import { EventDescriptor } from "../../host/epoll.ffi.ts";
import { LostThreadError } from "../error.ts";
import { CONTROL, type RingCommand, type RingParts, RingRecord, type RingThreadData, STATE } from "./protocol.ts";

/** `worker.ts` as one program; the build puts it here. */
declare const SKIFF_RING_WORKER: string;
/** This file, as a module of either kind calls itself: there Node looks for packages. */
const THIS_FILE = typeof __filename === "string" ? __filename : import.meta.url;

/** Longest wait for the thread; where it takes longer, guests do without it. */
const LIMIT_MS = 30_000;
const HEAP_MIB = 32;

/** A ring that the thread serves. */
export interface RunningRing {
  readonly record: RingRecord;
  /** Once it returns, the thread touches neither the guest's memory nor its descriptors any more. */
  readonly close: () => void;
}

/** Told once where the thread ends while it serves a ring. */
export type RingLoss = (error: LostThreadError) => void;

/** The one thread that serves the network rings of all guests of this thread. */
export class RingThread {
  static #ofThisThread: RingThread | undefined;
  /** Resolves once the thread runs, or cannot: `isRunning` says which. */
  readonly settled: Promise<void>;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT));
  readonly #wake = new EventDescriptor();
  readonly #worker: Worker | undefined;
  readonly #served = new Map<RingRecord, RingLoss | undefined>();
  #last = 0;

  /** Begins to start the thread, where it was not; that takes some tens of milliseconds. */
  static start(): RingThread {
    RingThread.#ofThisThread ??= new RingThread();
    return RingThread.#ofThisThread;
  }

  private constructor() {
    this.#worker = this.#startWorker();
    const worker = this.#worker;
    this.settled =
      worker === undefined
        ? Promise.resolve()
        : new Promise((resolve) => {
            worker.once("message", resolve);
            worker.once("error", resolve);
            worker.once("exit", resolve);
          }).then(() => worker.unref());
    // Node waits for its threads as it exits, and this one sits in a call of the host's.
    process.on("exit", () => this.#tell({ type: "end" }));
  }

  #startWorker(): Worker | undefined {
    const data: RingThreadData = { requireFrom: THIS_FILE, control: this.#control, wake: this.#wake.descriptor };
    try {
      if (typeof SKIFF_RING_WORKER !== "string") throw new Error("Skiff was built without it");
      const worker = new Worker(SKIFF_RING_WORKER, {
        eval: true,
        workerData: data,
        execArgv: [],
        // Those that it opens are Skiff's own, which Node does not know.
        trackUnmanagedFds: false,
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      });
      worker.on("error", (error) => this.#markEnded(error.message));
      worker.on("exit", (status) => this.#markEnded(`exit status ${status}`));
      return worker;
    } catch (error) {
      this.#markEnded(String(error));
      return undefined;
    }
  }

  /** Whether the thread runs; while it starts, this thread is held. */
  waitUntilRunning(): boolean {
    Atomics.wait(this.#control, CONTROL.state, STATE.starting, LIMIT_MS);
    this.#worker?.unref();
    return this.isRunning;
  }

  get isRunning(): boolean {
    return Atomics.load(this.#control, CONTROL.state) === STATE.running;
  }

  /**
   * Has a ring served.
   * @param parts with a ring that wants the bell.
   * @param onLoss called on this thread's event loop; guests that hold it up see it in the record, at the loop's next turn.
   * @returns undefined where the thread does not run: the guest must not be told of a ring.
   */
  add(parts: Omit<RingParts, "record">, onLoss?: RingLoss): RunningRing | undefined {
    if (!this.isRunning) return undefined;
    const record = new RingRecord();
    const id = ++this.#last;
    this.#served.set(record, onLoss);
    this.#tell({ type: "add", id, ring: { ...parts, record: record.buffer } });
    const close = () => {
      this.#served.delete(record);
      record.close(() => isThread(this.#control[CONTROL.thread] ?? 0));
      this.#tell({ type: "remove", id });
    };
    return { record, close };
  }

  #tell(command: RingCommand): void {
    this.#worker?.postMessage(command);
    this.#wake.signal();
  }

  #markEnded(reason: string): void {
    Atomics.store(this.#control, CONTROL.state, STATE.ended);
    Atomics.notify(this.#control, CONTROL.state);
    // Guests would wait for ever for a thread that has died.
    for (const [record, onLoss] of this.#served) {
      this.#served.delete(record);
      if (record.lost === undefined) record.lose(reason);
      onLoss?.(new LostThreadError(record.lost));
    }
  }
}
