import { Worker } from "node:worker_threads";
import { EventDescriptor } from "../../host/epoll.ffi.ts";
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

/** The one thread that serves the network rings of all guests of this thread. */
export class RingThread {
  static #ofThisThread: RingThread | undefined;
  /** Resolves once the thread runs, or cannot: `isRunning` says which. */
  readonly settled: Promise<void>;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT));
  readonly #wake = new EventDescriptor();
  readonly #worker: Worker | undefined;
  readonly #records = new Set<RingRecord>();
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
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      });
      worker.on("error", () => this.#markEnded());
      worker.on("exit", () => this.#markEnded());
      return worker;
    } catch {
      this.#markEnded();
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
   * @returns undefined where the thread does not run: the guest must not be told of a ring.
   */
  add(parts: Omit<RingParts, "record">): RunningRing | undefined {
    if (!this.isRunning) return undefined;
    const record = new RingRecord();
    const id = ++this.#last;
    this.#records.add(record);
    this.#tell({ type: "add", id, ring: { ...parts, record: record.buffer } });
    const close = () => {
      this.#records.delete(record);
      record.close();
      this.#tell({ type: "remove", id });
    };
    return { record, close };
  }

  #tell(command: RingCommand): void {
    this.#worker?.postMessage(command);
    this.#wake.signal();
  }

  #markEnded(): void {
    Atomics.store(this.#control, CONTROL.state, STATE.ended);
    Atomics.notify(this.#control, CONTROL.state);
    // Guests would wait for ever for a thread that has died.
    for (const record of this.#records) record.break("has lost the thread of its network ring");
  }
}
