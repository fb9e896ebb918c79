import { chmodSync, closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import type { SparseFile } from "../../src/engine/process/elf.ts";
import type { Architecture, Image } from "../../src/format/image.ts";
import { parseImage } from "../../src/format/parse.ts";
import { plannedDevices } from "../../src/monitor/build-devices.ts";
import type { BlockOptions, NetOptions } from "../../src/monitor/device-options.ts";
import { matchDevices } from "../../src/monitor/match-devices.ts";
import { executableForAnyHost } from "../../src/monitor/process-machine.ts";

const IMAGES = resolve(import.meta.dirname, "../../guests/images");
const KIT_ARCHITECTURE = process.arch === "arm64" ? "aarch64" : "x86_64";
export const hostArchitecture: Architecture = process.arch === "arm64" ? "aarch64" : "x86-64";
const MEMORY_MIB = 8;

/** What Skiff says of an image of the `spt` ABI for the other architecture. */
export const OTHER_ARCHITECTURE_LINE =
  hostArchitecture === "x86-64"
    ? "the image is for aarch64, this host is x86-64; take the image that was built for x86-64, or link it for hvt, which the emulator runs"
    : "the image is for x86-64, this host is aarch64; take the image that was built for aarch64";

/** Path of the kit's image of that name, for this host's architecture. */
export function kitImagePath(name: string, abi = "spt", architecture = KIT_ARCHITECTURE): string {
  return join(IMAGES, architecture, `${name}.${abi}`);
}

export function kitImage(name: string): Image {
  return parseImage(readFileSync(kitImagePath(name)));
}

export interface BuildOptions {
  readonly net?: Readonly<Record<string, NetOptions>>;
  readonly block?: Readonly<Record<string, BlockOptions>>;
  readonly memoryMib?: number;
  readonly speaker?: string;
  readonly executableHeap?: boolean;
}

/** Writes the executable of an image into the folder, as `skiff build` lays it out, and gives its path. */
export function buildGuest(folder: string, name: string, options: BuildOptions = {}, image = kitImage(name)): string {
  const { net = {}, block = {}, memoryMib = MEMORY_MIB, speaker = "skiff", executableHeap = false } = options;
  const matched = matchDevices(image, { net: new Map(Object.entries(net)), block: new Map(Object.entries(block)) });
  const devices = plannedDevices(matched);
  const path = join(folder, name);
  writeExecutable(path, executableForAnyHost({ image, memoryMib, devices, name, speaker, executableHeap }));
  return path;
}

export function writeExecutable(path: string, file: SparseFile): void {
  const descriptor = openSync(path, "w");
  for (const { offset, bytes } of file.pieces) writeSync(descriptor, bytes, 0, bytes.length, offset);
  ftruncateSync(descriptor, file.sizeBytes);
  closeSync(descriptor);
  chmodSync(path, 0o755);
}
