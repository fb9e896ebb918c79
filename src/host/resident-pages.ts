import { closeSync, openSync, readSync } from "node:fs";
import { hostPageBytes } from "./libc.ffi.ts";

/** An entry of 64 bits for each page; its upper two bits: in memory, swapped out (Linux Documentation/admin-guide/mm/pagemap.rst). */
const ENTRY_BYTES = 8;
const EXISTS_HIGH = 3 << 30;
const ENTRIES_AT_ONCE = 65536;

/** Pages of this process' memory that follow each other. */
export interface PageRun {
  /** Bytes from the first address asked about. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The pages that have ever been touched, in runs, in ascending order: all others are zero.
 * @param address a multiple of the host's page; `bytes` too.
 * @throws Node's error where the host does not tell.
 */
export function* residentPages(address: bigint, bytes: number): Generator<PageRun> {
  const pageBytes = hostPageBytes();
  const first = Number(address / BigInt(pageBytes));
  const pages = bytes / pageBytes;
  const entries = new Uint32Array((Math.min(pages, ENTRIES_AT_ONCE) * ENTRY_BYTES) / 4);
  const descriptor = openSync("/proc/self/pagemap", "r");
  try {
    let start: number | undefined;
    for (let page = 0; page < pages; page++) {
      if (page % ENTRIES_AT_ONCE === 0) readEntries(descriptor, first + page, entries);
      const exists = ((entries[2 * (page % ENTRIES_AT_ONCE) + 1] ?? 0) & EXISTS_HIGH) !== 0;
      if (exists) start ??= page;
      else if (start !== undefined) {
        yield { offset: start * pageBytes, bytes: (page - start) * pageBytes };
        start = undefined;
      }
    }
    if (start !== undefined) yield { offset: start * pageBytes, bytes: (pages - start) * pageBytes };
  } finally {
    closeSync(descriptor);
  }
}

/** Fills the entries from a page on; those behind the last one that there is become 0. */
function readEntries(descriptor: number, page: number, entries: Uint32Array): void {
  const bytes = new Uint8Array(entries.buffer);
  for (let filled = 0; filled < bytes.length; ) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, page * ENTRY_BYTES + filled);
    if (count === 0) {
      bytes.fill(0, filled);
      return;
    }
    filled += count;
  }
}
