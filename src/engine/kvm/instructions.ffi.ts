import koffi from "koffi";

let clearCache: ((start: bigint, end: bigint) => void) | undefined;

/**
 * Makes instructions that were written to this process' memory known to its processors: AArch64's keep instructions in
 * caches that stores do not reach (Arm ARM, B2.4.4). x86-64's see them by themselves.
 */
export function syncInstructions(address: bigint, bytes: number): void {
  if (process.arch !== "arm64") return;
  // Of the compiler's library, with which Node itself is linked.
  clearCache ??= koffi.load("libgcc_s.so.1").func("void __clear_cache(void *, void *)");
  clearCache(address, address + BigInt(bytes));
}
