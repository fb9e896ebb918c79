/** The kit's hostile guest, which goes on after whatever it did wrong, on a machine that is watched from all sides. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Image } from "../../../src/format/image.ts";
import { commandLine } from "../../../src/monitor/hvt-machine.ts";
import { makeKvmMachine } from "../../../src/monitor/kvm-machine.ts";
import type { RingThread } from "../../../src/monitor/ring/thread.ts";
import { Canaries } from "./canaries.ffi.ts";

export const STORAGE_BYTES = 65536;
const MEMORY_MIB = 4;
const SLICE_NS = 5e6;
/** Of a guest that does its calls in seconds. */
const LIMIT_MS = 240_000;

export interface HostileOptions {
  /** The kit's `fuzz`. */
  readonly image: Image;
  readonly seed: number;
  readonly calls: number;
  /** A tap that is up. */
  readonly tap: number;
  /** A file of `STORAGE_BYTES`, and its descriptor. */
  readonly storage: { readonly path: string; readonly descriptor: number };
  /** Serves the guest's network ring; without it there is none. */
  readonly thread?: RingThread;
}

/** What came of it, for whoever counts. */
export interface HostileEnd {
  /** `done`, or what the guest brought upon itself. */
  readonly end: string;
  /** Hypercalls, and requests in its ring. */
  readonly calls: number;
  readonly requests: number;
  /** Hypercalls that broke the ABI. */
  readonly broken: number;
}

/** Runs the guest to its end; throws where Skiff did anything but serve it, refuse or end it. */
export function runHostileGuest({ image, seed, calls, tap, storage, thread }: HostileOptions): HostileEnd {
  let text = "";
  const named = { index: 1, name: "storage", descriptor: storage.descriptor };
  const made = makeKvmMachine({
    image,
    memoryMib: MEMORY_MIB,
    commandLine: commandLine([`--seed=${seed}`, `--calls=${calls}`]),
    devices: [
      { type: "block", ...named, capacityBytes: STORAGE_BYTES, blockBytes: 512 },
      { type: "net", index: 2, name: "service", descriptor: tap, mac: undefined },
    ],
    console: {
      write: ({ bytes }) => {
        Canaries.checkSent("the console", bytes);
        text = (text + Buffer.from(bytes.subarray(0, 64)).toString("latin1")).slice(-64);
      },
    },
  });
  const canaries = new Canaries(made.memory);
  const record = thread === undefined ? undefined : made.offerRing(thread);
  assert.equal(record !== undefined, thread !== undefined, "the guest has its ring");
  let broken = 0;
  const run = (): string => {
    const limit = performance.now() + LIMIT_MS;
    while (performance.now() < limit) {
      const stop = made.machine.run(SLICE_NS);
      if (stop.type === "exit" && text.endsWith("fuzz: done\n")) return "done";
      if (stop.type === "wait") made.machine.endWait(0n);
      if (stop.type !== "broken") continue;
      assert.match(stop.reason, /^(gave|made|has not taken|was ended by) /);
      if (record?.broken !== undefined || stop.reason.startsWith("was ended by")) return stop.reason;
      broken++;
    }
    throw new Error(`the guest of seed ${seed} does not come to its end`);
  };
  let end: string;
  try {
    end = run();
    canaries.check();
  } finally {
    made.machine.close();
  }
  const stored = readFileSync(storage.path);
  assert.equal(stored.length, STORAGE_BYTES);
  Canaries.checkSent("the block device", stored);
  const served = made.machine.calls.reduce((sum, count) => sum + count, 0);
  return { end, calls: served + broken, requests: record?.requests ?? 0, broken };
}
