/** Walks page tables as a processor does, from the manuals alone: what the tables under test are held against. */

/** What an access may do at an address. */
export interface Translation {
  readonly address: bigint;
  readonly write: boolean;
  readonly execute: boolean;
  readonly device: boolean;
}

type ReadEntry = (address: bigint) => bigint;

const bit = (entry: bigint, at: number) => ((entry >> BigInt(at)) & 1n) === 1n;
const bits = (entry: bigint, high: number, low: number) =>
  (entry >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

/** Intel SDM volume 3, section 4.5.4, with CR0.WP and EFER.NXE set, in supervisor mode. Undefined where it faults. */
export function walkX86(read: ReadEntry, cr3: bigint, address: bigint): Translation | undefined {
  let table = cr3 & ~0xfffn;
  let write = true;
  let execute = true;
  for (const shift of [39, 30, 21, 12]) {
    const entry = read(table + bits(address, shift + 8, shift) * 8n);
    if (!bit(entry, 0)) return undefined;
    write &&= bit(entry, 1);
    execute &&= !bit(entry, 63);
    const next = bits(entry, 51, 12) << 12n;
    const large = shift !== 12 && bit(entry, 7);
    if (shift === 39 && large) throw new Error("bit 7 of a PML4 entry is reserved");
    if (shift === 12 || large) {
      const offset = address & ((1n << BigInt(shift)) - 1n);
      if ((next & ((1n << BigInt(shift)) - 1n)) !== 0n) throw new Error("reserved bits of a large page's address");
      return { address: next + offset, write, execute, device: bit(entry, 4) };
    }
    table = next;
  }
  throw new Error("unreachable");
}

/** Arm ARM (DDI 0487), section D8: the 4 KiB granule from level 1 on, at EL1. Undefined where it faults. */
export function walkAarch64(read: ReadEntry, ttbr: bigint, mair: bigint, address: bigint): Translation | undefined {
  let table = ttbr;
  for (const shift of [30, 21, 12]) {
    const entry = read(table + bits(address, shift + 8, shift) * 8n);
    if (!bit(entry, 0)) return undefined;
    const next = bits(entry, 47, 12) << 12n;
    const isTableOrPage = bit(entry, 1);
    if (shift !== 12 && isTableOrPage) {
      if (bits(entry, 63, 59) !== 0n) throw new Error("the tables' own rights are not expected");
      table = next;
      continue;
    }
    if (shift === 12 && !isTableOrPage) return undefined;
    if (!bit(entry, 10)) return undefined; // no access flag
    const offset = address & ((1n << BigInt(shift)) - 1n);
    if ((next & ((1n << BigInt(shift)) - 1n)) !== 0n) throw new Error("reserved bits of a block's address");
    if (bit(entry, 6)) throw new Error("EL0 has access, which keeps EL1 from executing what is writable");
    const type = (mair >> (bits(entry, 4, 2) * 8n)) & 0xffn;
    if (type !== 0xffn && type !== 0n) throw new Error(`memory type ${type}`);
    return { address: next + offset, write: !bit(entry, 7), execute: !bit(entry, 53), device: type === 0n };
  }
  throw new Error("unreachable");
}
