import type { Mapping, TableFormat } from "./mapping.ts";

/** Bits of a descriptor (Arm ARM, DDI 0487, section D8.3, "Translation table descriptor formats"). */
const VALID = 1 << 0;
/** A table where it is not the last level; a page where it is. Leaves above the last level are blocks, without it. */
const TABLE_OR_PAGE = 1 << 1;
const ATTRIBUTE_INDEX_SHIFT = 2;
const READ_ONLY = 1 << 7;
const INNER_SHAREABLE = 3 << 8;
const ACCESSED = 1 << 10;
/** Bits 53 and 54: neither EL1 nor EL0 executes. */
const PRIVILEGED_NO_EXECUTE_HIGH = 1 << (53 - 32);
const UNPRIVILEGED_NO_EXECUTE_HIGH = 1 << (54 - 32);
const NO_EXECUTE_HIGH = PRIVILEGED_NO_EXECUTE_HIGH | UNPRIVILEGED_NO_EXECUTE_HIGH;

/** Which byte of MAIR_EL1 holds a memory type. */
export const MEMORY_TYPE = { normal: 0, device: 1 } as const;
/** MAIR_EL1: normal memory, write-back and allocating, inner and outer; device memory nGnRnE (D17.2.97). */
export const MAIR = 0x00ffn;

const NORMAL = (MEMORY_TYPE.normal << ATTRIBUTE_INDEX_SHIFT) | INNER_SHAREABLE;
const DEVICE = MEMORY_TYPE.device << ATTRIBUTE_INDEX_SHIFT;

const LEAF: Readonly<Record<Mapping["access"], { readonly low: number; readonly high: number }>> = {
  read: { low: NORMAL | READ_ONLY, high: NO_EXECUTE_HIGH },
  "read-write": { low: NORMAL, high: NO_EXECUTE_HIGH },
  "read-execute": { low: NORMAL | READ_ONLY, high: UNPRIVILEGED_NO_EXECUTE_HIGH },
  device: { low: DEVICE, high: NO_EXECUTE_HIGH },
};

/** Bits of a virtual address that three levels of 4 KiB tables translate. */
export const ADDRESS_BITS = 39;

/** Stage 1 for EL1 with the 4 KiB granule from level 1 on: pages of 4 KiB, blocks of 2 MiB and 1 GiB. */
export const AARCH64_TABLES: TableFormat = {
  levels: 3,
  leafLevelMax: 2,
  table: { low: VALID | TABLE_OR_PAGE, high: 0 },
  leaf(access, level) {
    const { low, high } = LEAF[access];
    return { low: low | VALID | ACCESSED | (level === 0 ? TABLE_OR_PAGE : 0), high };
  },
};
