import type { Image } from "./image.ts";

export const BYTES_PER_MIB = 2 ** 20;

/** What Solo5's bindings want above the segments for heap and stack (Solo5 `bindings/mem.c`, `mem_init`): 512 KiB. */
export const MIN_HEAP_BYTES = 0x80000;

/** The least memory with which Solo5's bindings start the image, in MiB; the application may want more. */
export function minimumMemoryMib(image: Image): number {
  return Math.ceil((image.endAddress + MIN_HEAP_BYTES) / BYTES_PER_MIB);
}
