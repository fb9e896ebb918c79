/**
 * Skiff as a library: read images, and run them as child processes.
 *
 * Sizes are in bytes or MiB as their names say, times in nanoseconds or milliseconds likewise. What an image does wrong
 * is an `ImageError`, what the caller does wrong a `UsageError`, what the host refuses a `HostError`. A machine's `exited`
 * rejects with a `LostThreadError` where a thread of Skiff's own, which its guest needs, has ended.
 * @packageDocumentation
 */
export { ImageError } from "./format/error.ts";
export type { Abi, Architecture, Image, Manifest, ManifestDevice, Rights, Segment } from "./format/image.ts";
export { minimumMemoryMib } from "./format/memory.ts";
export { parseImage } from "./format/parse.ts";
export { HostError } from "./host/error.ts";
export type { TapAddress } from "./host/tap.ffi.ts";
export type { BlockOptions, NetOptions } from "./monitor/device-options.ts";
export { LostThreadError, UsageError } from "./monitor/error.ts";
export { type ExitStatus, Machine, type MachineEvents, type MachineOptions } from "./monitor/machine.ts";
