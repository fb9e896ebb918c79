import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { largestPageBytes, makeExecutable } from "../../../src/engine/process/executable.ts";
import { parseImage } from "../../../src/format/parse.ts";
import { thisHost } from "./this-host.ts";

export const MEMORY_BYTES = 8 << 20;
const TIME_LIMIT_MS = 60_000;
const FIRST_DESCRIPTOR = 3;

/** The kit's image of that name, for the host's architecture. */
export function kitImage(name: string): string {
  return `/skiff/guests/images/${thisHost().imageArchitecture}/${name}.spt`;
}

/** What of a guest's build a test may choose. */
export interface GuestChoices {
  readonly blockCapacityBytes?: number;
  readonly mac?: Uint8Array;
}

/** Makes an executable of a kit image; its devices are on descriptors 3 and up, in the manifest's order. */
export function makeGuest(name: string, { blockCapacityBytes = 65536, mac }: GuestChoices = {}): string {
  const image = parseImage(readFileSync(kitImage(name)));
  const devices = image.manifest.devices.map(({ name, index, type }) => ({
    name,
    index,
    type,
    descriptor: FIRST_DESCRIPTOR + index - 1,
  }));
  const executable = makeExecutable({
    image,
    memoryBytes: MEMORY_BYTES,
    block: devices
      .filter(({ type }) => type === "block")
      .map((device) => ({ ...device, capacityBytes: blockCapacityBytes, blockBytes: 512 })),
    net: devices.filter(({ type }) => type === "net").map((device) => ({ ...device, mac })),
    pageBytes: largestPageBytes(image, thisHost().kernel.pageBytes),
    processName: name,
    speaker: "skiff",
    executableHeap: false,
  });
  const path = join(mkdtempSync("/tmp/guest-"), name);
  const descriptor = openSync(path, "wx");
  for (const { offset, bytes } of executable.pieces) writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
  chmodSync(path, 0o755);
  return path;
}

/** Runs Skiff's command line. */
export function skiff(args: readonly string[], descriptors: readonly number[] = []): Ended {
  return run(process.execPath, ["/skiff/dist/skiff.cjs", ...args], descriptors);
}

/** How a program ended: its status, or the name of the signal that ended it. */
export interface Ended {
  readonly end: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with `descriptors` from 3 on. */
export function run(program: string, args: readonly string[] = [], descriptors: readonly number[] = []): Ended {
  const stdio = ["ignore" as const, "pipe" as const, "pipe" as const, ...descriptors];
  const result = spawnSync(program, args, { stdio, encoding: "utf8", timeout: TIME_LIMIT_MS, killSignal: "SIGKILL" });
  if (result.error !== undefined) throw result.error;
  return { end: result.status ?? result.signal ?? "", stdout: result.stdout, stderr: result.stderr };
}
