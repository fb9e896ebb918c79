/**
 * Skiff where there is no host but JavaScript: AArch64 unikernels of the `hvt` ABI in a page or a worker, run by the
 * emulator. What an image does wrong is an `ImageError`, what the caller does wrong a `UsageError`.
 *
 * ```ts
 * import { parseImage, PortableRun } from "skiff-vm/browser";
 *
 * const image = parseImage(new Uint8Array(await (await fetch("hello.hvt")).arrayBuffer()));
 * const text = new TextDecoder();
 * const run = PortableRun.start({ image, console: (bytes) => document.body.append(text.decode(bytes)) });
 * console.log(await run.ended);
 * ```
 * @packageDocumentation
 */
export { ImageError } from "./format/error.ts";
export type { Abi, Architecture, Image, Manifest, ManifestDevice, Rights, Segment } from "./format/image.ts";
export { minimumMemoryMib } from "./format/memory.ts";
export { parseImage } from "./format/parse.ts";
export { UsageError } from "./monitor/error.ts";
export {
  type PortableDisk,
  type PortableEnd,
  type PortableLink,
  type PortableOptions,
  PortableRun,
} from "./monitor/portable-run.ts";
