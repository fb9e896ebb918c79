import { ImageError } from "./error.ts";
import type { Abi, Architecture, Image } from "./image.ts";

/** The host interfaces that Skiff implements: `HVT_ABI_VERSION` and `SPT_ABI_VERSION` of Solo5 0.12. */
export const SUPPORTED_ABI_VERSIONS: ReadonlyMap<Abi, number> = new Map([
  ["hvt", 2],
  ["spt", 2],
]);

/**
 * Refuses an image that was linked for another host interface.
 * @param version the one that the caller implements.
 * @throws ImageError with field `abi_target` or `abi_version`.
 */
export function requireAbi(image: Image, abi: Abi, version: number): void {
  if (image.abi !== abi) throw new ImageError("abi_target", image.abi, abi);
  if (image.abiVersion !== version) {
    throw new ImageError("abi_version", `${image.abiVersion} of ${abi}`, `${version}: link with a matching Solo5`);
  }
}

/**
 * Refuses an image for another instruction set.
 * @throws ImageError with field `e_machine`.
 */
export function requireArchitecture(image: Image, architecture: Architecture): void {
  if (image.architecture !== architecture) throw new ImageError("e_machine", image.architecture, architecture);
}
