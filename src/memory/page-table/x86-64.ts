import type { EntryFlags, Mapping, TableFormat } from "./mapping.ts";

/** Bits of an entry (Intel SDM volume 3, section 4.5, tables 4-15 to 4-20). */
const PRESENT = 1 << 0;
const WRITABLE = 1 << 1;
const CACHE_DISABLED = 1 << 4;
const ACCESSED = 1 << 5;
const DIRTY = 1 << 6;
/** In entries above the pages of 4 KiB: this one leads to memory. */
const LARGE = 1 << 7;
/** Bit 63; counts where EFER.NXE is set. */
const NO_EXECUTE_HIGH = 0x8000_0000;

/** Accessed and dirty are set beforehand, so that the processor has no cause to write the tables. */
const LEAF: Readonly<Record<Mapping["access"], EntryFlags>> = {
  read: { low: PRESENT | ACCESSED, high: NO_EXECUTE_HIGH },
  "read-write": { low: PRESENT | WRITABLE | ACCESSED | DIRTY, high: NO_EXECUTE_HIGH },
  "read-execute": { low: PRESENT | ACCESSED, high: 0 },
  device: { low: PRESENT | WRITABLE | CACHE_DISABLED | ACCESSED | DIRTY, high: NO_EXECUTE_HIGH },
};

/** Four-level paging with pages of 4 KiB and 2 MiB; those of 1 GiB are not on every processor. Kernel mode only. */
export const X86_64_TABLES: TableFormat = {
  levels: 4,
  leafLevelMax: 1,
  table: { low: PRESENT | WRITABLE | ACCESSED, high: 0 },
  leaf(access, level) {
    const { low, high } = LEAF[access];
    return { low: level === 0 ? low : low | LARGE, high };
  },
};
