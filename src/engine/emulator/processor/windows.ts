/** Stretches of virtual addresses behind one another that lie so in the guest's memory: what translated code need not look up. */
import { GUEST_ADDRESS } from "../layout.ts";
import type { Window } from "../translator/windows.ts";
import { translateNow } from "./address-space.ts";
import type { ProcessorState } from "./state.ts";
import { isDevice } from "./translate.ts";
import type { DataKind } from "./translation-cache.ts";

/** Mappings that are looked at in each direction at most. */
const MAPPINGS_MAX = 2048;
/** SCTLR_EL1.A (D17.2.118): accesses that are not aligned fault. */
const SCTLR_ALIGNMENT = 1n << 1n;
const ADDRESSES_END = 1n << 64n;

/** @returns what lies around an address; undefined where that is no plain memory. */
export function findWindow(state: ProcessorState, kind: DataKind, virtual: bigint): Window | undefined {
  if ((state.registers.get("sctlr_el1") & SCTLR_ALIGNMENT) !== 0n) return undefined;
  const first = plainMapping(state, kind, virtual);
  if (first === undefined) return undefined;
  let { start, end } = first;
  for (let count = 0; count < MAPPINGS_MAX && start > 0n; count++) {
    const below = plainMapping(state, kind, start - 1n);
    if (below?.addend !== first.addend) break;
    start = below.start;
  }
  for (let count = 0; count < MAPPINGS_MAX && end < ADDRESSES_END; count++) {
    const above = plainMapping(state, kind, end);
    if (above?.addend !== first.addend) break;
    end = above.end;
  }
  return { start, length: end - start, addend: first.addend };
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
