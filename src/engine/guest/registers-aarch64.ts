/** Values of an AArch64 processor's system registers at a guest's first instruction (Arm ARM, DDI 0487). */
import { ADDRESS_BITS } from "../../memory/page-table/aarch64.ts";

/** EL1 with its own stack pointer; debug, system errors and interrupts masked (C5.2.19). */
export const PSTATE_START = 0x3c5n;
/** Set in SCTLR_EL1: MMU, data cache, instruction cache (D17.2.118). */
export const SCTLR_ON = (1n << 0n) | (1n << 2n) | (1n << 12n);
/** Set in CPACR_EL1: floating point does not trap (D17.2.33). */
export const CPACR_FLOATING_POINT = 3n << 20n;
/**
 * TCR_EL1 (D17.2.131): both halves of `ADDRESS_BITS`, walks of write-back inner-shareable memory, granules of 4 KiB,
 * physical addresses of 36 bits; no walks in the upper half.
 */
export const TCR =
  BigInt(64 - ADDRESS_BITS) |
  (1n << 8n) |
  (1n << 10n) |
  (3n << 12n) |
  (BigInt(64 - ADDRESS_BITS) << 16n) |
  (1n << 23n) |
  (2n << 30n) |
  (1n << 32n);
/** Below the end of memory, as upstream has it: a multiple of 16 (AAPCS64, section 6.4.5.1). */
export const STACK_GAP_BYTES = 16;
