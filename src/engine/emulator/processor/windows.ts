/** Stretches of virtual addresses behind one another that lie so in the guest's memory: what translated code need not look up. */
import { GUEST_ADDRESS, PAGE_BYTES } from "../layout.ts";
import type { Window } from "../translator/windows.ts";
import { translateNow } from "./address-space.ts";
import type { ProcessorState } from "./state.ts";
import { isDevice } from "./translate.ts";
import type { DataKind } from "./translation-cache.ts";

/** Mappings that are looked at in each direction at most, of which a page counts for many blocks. */
const BLOCKS_MAX = 512;
const BLOCKS_A_PAGE = 16;
/** SCTLR_EL1.A (D17.2.118): accesses that are not aligned fault. */
const SCTLR_ALIGNMENT = 1n << 1n;
const ADDRESSES_END = 1n << 64n;

/** @returns what lies around an address; undefined where that is no plain memory. */
export function findWindow(state: ProcessorState, kind: DataKind, virtual: bigint): Window | undefined {
  if ((state.registers.get("sctlr_el1") & SCTLR_ALIGNMENT) !== 0n) return undefined;
  const first = plainMapping(state, kind, virtual);
  if (first === undefined) return undefined;
  let { start, end } = first;
  for (let count = 0; count < BLOCKS_MAX && start > 0n; ) {
    const below = plainMapping(state, kind, start - 1n);
    if (below?.addend !== first.addend) break;
    start = below.start;
    count += effortOf(below);
  }
  for (let count = 0; count < BLOCKS_MAX && end < ADDRESSES_END; ) {
    const above = plainMapping(state, kind, end);
    if (above?.addend !== first.addend) break;
    end = above.end;
    count += effortOf(above);
  }
  return { start, length: end - start, addend: first.addend };
}

/** Whether a window is one still. */
export function isWindow(state: ProcessorState, kind: DataKind, { start, length, addend }: Window): boolean {
  if ((state.registers.get("sctlr_el1") & SCTLR_ALIGNMENT) !== 0n) return false;
  for (let at = start; at < start + length; ) {
    const mapping = plainMapping(state, kind, at);
    if (mapping?.addend !== addend) return false;
    at = mapping.end;
  }
  return true;
}

/** Whether stores to a window may change records. */
export function hasRecordsIn({ memory }: ProcessorState, { start, length, addend }: Window): boolean {
  return memory.hasRecords(Number(start + addend) - GUEST_ADDRESS, Number(length));
}

function effortOf({ start, end }: PlainMapping): number {
  return end - start === BigInt(PAGE_BYTES) ? BLOCKS_A_PAGE : 1;
}

interface PlainMapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly addend: bigint;
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
  return { start, end: start + BigInt(bytes), addend: BigInt(GUEST_ADDRESS + physical) - start };
}
