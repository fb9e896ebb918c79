import { readFileSync } from "node:fs";
import { parseImage } from "../../../src/format/parse.ts";
import type { HostedMachine } from "../../../src/monitor/hosted-machine.ts";
import { commandLine } from "../../../src/monitor/hvt-machine.ts";
import { makeKvmMachine } from "../../../src/monitor/kvm-machine.ts";
import type { OpenDevice } from "../../../src/monitor/open-devices.ts";
import { BlockingRun } from "../../../src/monitor/run-blocking.ts";
import { thisHost } from "./this-host.ts";

/** Of a guest, unless a test says otherwise. */
export const MEMORY_MIB = 8;

/** Path of the kit's image of that name, for the host's architecture. */
export function hvtImagePath(name: string): string {
  return `/skiff/guests/images/${thisHost().imageArchitecture}/${name}.hvt`;
}

export function hvtImage(name: string): Uint8Array {
  return readFileSync(hvtImagePath(name));
}

export interface KvmGuestOptions {
  readonly args?: readonly string[];
  readonly memoryMib?: number;
  readonly devices?: readonly OpenDevice[];
}

/** A machine on KVM in this process, which starts far faster than another one, and what its guest writes. */
export function makeKvmGuest(
  image: Uint8Array,
  options: KvmGuestOptions = {},
): HostedMachine & { output: () => string } {
  const { args = [], memoryMib = MEMORY_MIB, devices = [] } = options;
  const chunks: Uint8Array[] = [];
  const made = makeKvmMachine({
    image: parseImage(image),
    memoryMib,
    commandLine: commandLine(args),
    devices,
    console: { write: ({ bytes }) => void chunks.push(bytes.slice()) },
  });
  return { ...made, output: () => Buffer.concat(chunks).toString() };
}

/** How a guest ended: by its status, or by what Skiff says of it. */
export interface KvmEnd {
  readonly end: number | string;
  readonly output: string;
}

/** Runs a guest to its end. */
export function runKvmGuest(image: Uint8Array, options: KvmGuestOptions = {}): KvmEnd {
  const { machine, waitFor, output } = makeKvmGuest(image, options);
  try {
    const run = new BlockingRun(machine, waitFor);
    for (;;) {
      const stop = run.run();
      if (stop.type === "exit") return { end: stop.status, output: output() };
      if (stop.type === "broken") return { end: stop.reason, output: output() };
    }
  } finally {
    machine.close();
  }
}
