/** Stretches of virtual addresses behind one another that lie so in the guest's memory: what translated code need not look up. */
import { GUEST_ADDRESS, PAGE_BYTES } from "../layout.ts";
import type { Window } from "../translator/windows.ts";
import { translateNow } from "./address-space.ts";
import type { ProcessorState } from "./state.ts";
import { DESCRIPTOR_BYTES, isDevice, type Mapped } from "./translate.ts";
import { type DataKind, MAPPING_BITS } from "./translation-cache.ts";

/** Mappings that are looked at in each direction at most, of which so many pages of one table count for one. */
const MAPPINGS_MAX = 512;
const PAGES_A_MAPPING = 64;
/** Pages of the last level's tables. */
const PAGES_A_TABLE = 512;
/** SCTLR_EL1.A (D17.2.118): accesses that are not aligned fault. */
const SCTLR_ALIGNMENT = 1n << 1n;
const ADDRESSES_END = 1n << 64n;

/** @returns what lies around an address; undefined where that is no plain memory. */
export function findWindow(state: ProcessorState, kind: DataKind, virtual: bigint): Window | undefined {
  if ((state.registers.get("sctlr_el1") & SCTLR_ALIGNMENT) !== 0n) return undefined;
  const first = plainMapping(state, kind, virtual);
  if (first === undefined) return undefined;
  let { start, end } = first;
  for (let count = 0; count < MAPPINGS_MAX && start > 0n; ) {
    const below = plainMapping(state, kind, start - 1n);
    if (below?.addend !== first.addend) break;
    const pages = pagesAlike(state, kind, below, -1);
    start = below.start - BigInt(pages * PAGE_BYTES);
    count += 1 + pages / PAGES_A_MAPPING;
  }
  for (let count = 0; count < MAPPINGS_MAX && end < ADDRESSES_END; ) {
    const above = plainMapping(state, kind, end);
    if (above?.addend !== first.addend) break;
    const pages = pagesAlike(state, kind, above, 1);
    end = above.end + BigInt(pages * PAGE_BYTES);
    count += 1 + pages / PAGES_A_MAPPING;
  }
  return { start, length: end - start, addend: first.addend };
}

/** Whether a window is one still. */
export function isWindow(state: ProcessorState, kind: DataKind, { start, length, addend }: Window): boolean {
  if ((state.registers.get("sctlr_el1") & SCTLR_ALIGNMENT) !== 0n) return false;
  for (let at = start; at < start + length; ) {
    const mapping = plainMapping(state, kind, at);
    if (mapping?.addend !== addend) return false;
    at = mapping.end + BigInt(pagesAlike(state, kind, mapping, 1) * PAGE_BYTES);
  }
  return true;
}

/** Whether stores to a window may change records. */
export function hasRecordsIn({ memory }: ProcessorState, { start, length, addend }: Window): boolean {
  return memory.hasRecords(Number(start + addend) - GUEST_ADDRESS, Number(length));
}

interface PlainMapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly addend: bigint;
  readonly mapped: Mapped;
}

/**
 * How many pages in the same table, one after the other from a page's neighbour on, have its descriptor but for the address, and
 * that of the memory beside it: what holds for the page holds for them.
 */
function pagesAlike({ memory }: ProcessorState, kind: DataKind, { start, mapped }: PlainMapping, step: 1 | -1): number {
  const { descriptorAt, mappingBits, address } = mapped;
  const at = descriptorAt === undefined ? undefined : memory.host(descriptorAt, DESCRIPTOR_BYTES);
  if (at === undefined || mappingBits !== MAPPING_BITS.page) return 0;
  const descriptor = memory.view.getBigUint64(at, true);
  const index = Number((start / BigInt(PAGE_BYTES)) % BigInt(PAGES_A_TABLE));
  const most = step === 1 ? PAGES_A_TABLE - 1 - index : index;
  const first = address - (address % PAGE_BYTES);
  for (let count = 0; count < most; count++) {
    const pages = step * (count + 1);
    const physical = first + pages * PAGE_BYTES;
    const isThere = memory.host(physical, PAGE_BYTES) !== undefined;
    const isAlike = () =>
      memory.view.getBigUint64(at + pages * DESCRIPTOR_BYTES, true) === descriptor + BigInt(pages * PAGE_BYTES);
    const hasRecords = kind === "store" && isThere && memory.hasRecords(physical, PAGE_BYTES);
    if (!isThere || hasRecords || !isAlike()) return count;
  }
  return most;
}

/** The page or block of an address, where it is all memory, and stores to it change no instructions. */
function plainMapping(state: ProcessorState, kind: DataKind, virtual: bigint): PlainMapping | undefined {
  const found = translateNow(state, virtual, kind, state.level === 0);
  if (found.isFault || isDevice(found.attributes)) return undefined;
  const bytes = 2 ** found.mappingBits;
  const physical = found.address - (found.address % bytes);
  const host = state.memory.host(physical, bytes);
  if (host === undefined || (kind === "store" && state.memory.hasRecords(physical, bytes))) return undefined;
  const start = virtual - (virtual % BigInt(bytes));
  return { start, end: start + BigInt(bytes), addend: BigInt(GUEST_ADDRESS + physical) - start, mapped: found };
}
