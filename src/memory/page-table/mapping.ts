import type { GuestAddress } from "../address.ts";

/** Smallest page of both architectures' 4 KiB granule. */
export const PAGE_BYTES = 4096;

/** A range of guest addresses that lead to themselves. Every mapped page can be read; what no mapping covers faults. */
export interface Mapping {
  /** A multiple of the page. */
  readonly start: GuestAddress;
  /** First address behind; a multiple of the page. */
  readonly end: GuestAddress;
  readonly access: "read" | "read-write" | "read-execute" | "device";
}

/** How an architecture writes the entries of its tables; each table is a page of 512 entries of 64 bits. */
export interface TableFormat {
  /** Levels of tables from the root to the pages of 4 KiB. */
  readonly levels: number;
  /** Highest level whose entries may be leaves: 0 for pages of 4 KiB, 1 for 2 MiB, 2 for 1 GiB. */
  readonly leafLevelMax: number;
  /** Flags of an entry that leads to a table. */
  readonly table: EntryFlags;
  /** Flags of an entry that leads to memory. */
  readonly leaf: (access: Mapping["access"], level: number) => EntryFlags;
}

/** The bits of an entry beside its address, which has none of the low twelve and is below 2^40. */
export interface EntryFlags {
  /** Bits 0 to 11. */
  readonly low: number;
  /** Bits 32 to 63. */
  readonly high: number;
}

/** Where tables are written. */
export interface TableArea {
  /** The guest's address of the first byte; a multiple of the page. */
  readonly address: GuestAddress;
  readonly bytes: Uint8Array;
}
