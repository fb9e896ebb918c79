import { type GuestAddress, guestAddress } from "../address.ts";
import { type EntryFlags, type Mapping, PAGE_BYTES, type TableArea, type TableFormat } from "./mapping.ts";

const ENTRY_BYTES = 8;
const ENTRIES = PAGE_BYTES / ENTRY_BYTES;
const TWO_POW_32 = 2 ** 32;

export interface PageTables {
  /** The table where a walk begins. */
  readonly root: GuestAddress;
  /** How much of the area they take; the rest is not touched. */
  readonly usedBytes: number;
}

/**
 * Writes page tables with the fewest entries: each mapping is cut into the largest pages that fit its bounds.
 * @param mappings in ascending order.
 * @throws RangeError where mappings overlap, are not whole pages or lie above what the tables reach, or the area is too small.
 */
export function writePageTables(format: TableFormat, area: TableArea, mappings: readonly Mapping[]): PageTables {
  const writer = new TableWriter(format, area);
  let previousEnd = 0;
  for (const mapping of mappings) {
    checkMapping(format, mapping, previousEnd);
    writer.map(mapping);
    previousEnd = mapping.end;
  }
  return { root: area.address, usedBytes: writer.usedBytes };
}

function checkMapping(format: TableFormat, { start, end }: Mapping, previousEnd: number): void {
  const whole = start % PAGE_BYTES === 0 && end % PAGE_BYTES === 0 && start < end;
  if (!whole || start < previousEnd || end > pageBytes(format.levels)) {
    throw new RangeError(`mapping 0x${start.toString(16)} to 0x${end.toString(16)} cannot be made`);
  }
}

/** Bytes that one entry of a level covers; of the level above the root's, all that the tables reach. */
function pageBytes(level: number): number {
  return PAGE_BYTES * ENTRIES ** level;
}

class TableWriter {
  readonly #format: TableFormat;
  readonly #area: TableArea;
  readonly #view: DataView;
  usedBytes = 0;

  constructor(format: TableFormat, area: TableArea) {
    this.#format = format;
    this.#area = area;
    this.#view = new DataView(area.bytes.buffer, area.bytes.byteOffset, area.bytes.byteLength);
    this.#addTable();
  }

  map({ start, end, access }: Mapping): void {
    for (let address: number = start; address < end; ) {
      const level = this.#leafLevel(address, end);
      this.#set(this.#entry(address, level), address, this.#format.leaf(access, level));
      address += pageBytes(level);
    }
  }

  #leafLevel(address: number, end: number): number {
    let level = 0;
    while (level < this.#format.leafLevelMax) {
      const bytes = pageBytes(level + 1);
      if (address % bytes !== 0 || end - address < bytes) break;
      level++;
    }
    return level;
  }

  /** Offset of the entry for an address in the table of that level, with the tables on the way to it. */
  #entry(address: number, level: number): number {
    let table = 0;
    for (let at = this.#format.levels - 1; ; at--) {
      const entry = table + (Math.floor(address / pageBytes(at)) % ENTRIES) * ENTRY_BYTES;
      if (at === level) return entry;
      table = this.#tableBehind(entry);
    }
  }

  #tableBehind(entry: number): number {
    const low = this.#view.getUint32(entry, true);
    if (low !== 0) return low - (low % PAGE_BYTES) - this.#area.address;
    const table = this.#addTable();
    this.#set(entry, this.#area.address + table, this.#format.table);
    return table;
  }

  #addTable(): number {
    const offset = this.usedBytes;
    if (offset + PAGE_BYTES > this.#area.bytes.length) throw new RangeError("the area for page tables is too small");
    this.#area.bytes.fill(0, offset, offset + PAGE_BYTES);
    this.usedBytes += PAGE_BYTES;
    return offset;
  }

  #set(entry: number, address: number, flags: EntryFlags): void {
    this.#view.setUint32(entry, (address % TWO_POW_32) + flags.low, true);
    this.#view.setUint32(entry + 4, Math.floor(address / TWO_POW_32) + flags.high, true);
  }
}

/** Rounds an address down and up to whole pages. */
export function wholePages(start: number, end: number): { readonly start: GuestAddress; readonly end: GuestAddress } {
  return {
    start: guestAddress(start - (start % PAGE_BYTES)),
    end: guestAddress(Math.ceil(end / PAGE_BYTES) * PAGE_BYTES),
  };
}
