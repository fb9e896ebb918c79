/**
 * Loads and stores of a block that have the same base and differ in their offsets: the first checks the addresses of all. Where
 * they are not all in the window, the region is left before the first of them, which is always allowed.
 */
import type { Expr } from "../wasm/expression.ts";
import type { Window, Windows } from "./windows.ts";

/** What a group reaches, in bytes from the base. */
interface Group {
  min: bigint;
  end: bigint;
  stores: boolean;
}

export interface Access {
  /** Of the base's value: the same where it is the same. */
  readonly base: string;
  readonly offset: bigint;
  readonly bytes: bigint;
  readonly stores: boolean;
}

/** From the lowest to the highest byte of a group at most. */
const REACH_MAX = 4096n;

export class Accesses {
  readonly #groups = new Map<string, Group>();

  /** Tells of an access before the region is translated. */
  note({ base, offset, bytes, stores }: Access): void {
    const end = offset + bytes;
    const group = this.#groups.get(base);
    if (group === undefined) {
      this.#groups.set(base, { min: offset, end, stores });
      return;
    }
    const min = offset < group.min ? offset : group.min;
    const max = end > group.end ? end : group.end;
    if (max - min > REACH_MAX) return;
    group.min = min;
    group.end = max;
    group.stores ||= stores;
  }

  /** What the first access of a group checks; undefined where it is checked alone. */
  groupOf({ base, offset, bytes, stores }: Access): Readonly<Group> | undefined {
    const group = this.#groups.get(base);
    if (group === undefined || offset < group.min || offset + bytes > group.end) return undefined;
    return stores && !group.stores ? undefined : group;
  }
}

/** The window of which all may be loaded, and stored to where that is asked; undefined where there is none of both. */
export function windowFor({ load, store }: Windows, stores: boolean): Window | undefined {
  if (!stores) return load;
  if (load === undefined || store === undefined || load.addend !== store.addend) return undefined;
  return store.start >= load.start && store.start + store.length <= load.start + load.length ? store : undefined;
}

/** An address as a register and what is added to it; undefined where it is anything else. */
export function partsOf(address: Expr<"i64">): { readonly register: Expr; readonly offset: bigint } | undefined {
  if (address.isVariable) return { register: address, offset: 0n };
  const [register, offset] = address.args;
  const isSum = address.bytes.length === 1 && address.bytes[0] === I64_ADD;
  if (!isSum || register?.isVariable !== true || typeof offset?.constant !== "bigint") return undefined;
  return { register, offset: offset.constant };
}

const I64_ADD = 0x7c;
