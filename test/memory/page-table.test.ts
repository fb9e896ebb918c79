import { describe, expect, it } from "vitest";
import { guestAddress } from "../../src/memory/address.ts";
import { AARCH64_TABLES, MAIR } from "../../src/memory/page-table/aarch64.ts";
import { type Mapping, PAGE_BYTES } from "../../src/memory/page-table/mapping.ts";
import { writePageTables } from "../../src/memory/page-table/tables.ts";
import { X86_64_TABLES } from "../../src/memory/page-table/x86-64.ts";
import { type Random, SEED, seededRandom } from "../support/random.ts";
import { type Translation, walkAarch64, walkX86 } from "./walk.ts";

const AREA_BYTES = 256 * PAGE_BYTES;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const ARCHITECTURES = {
  "x86-64": { format: X86_64_TABLES, walk: walkX86, reach: 2 ** 48 },
  aarch64: {
    format: AARCH64_TABLES,
    walk: (read: (address: bigint) => bigint, root: bigint, address: bigint) => walkAarch64(read, root, MAIR, address),
    reach: 2 ** 39,
  },
};

function mapping(start: number, end: number, access: Mapping["access"]): Mapping {
  return { start: guestAddress(start), end: guestAddress(end), access };
}

const RIGHTS: Readonly<Record<Mapping["access"], Omit<Translation, "address">>> = {
  read: { write: false, execute: false, device: false },
  "read-write": { write: true, execute: false, device: false },
  "read-execute": { write: false, execute: true, device: false },
  device: { write: true, execute: false, device: true },
};

/** Mappings up to 6 GiB whose bounds lie often, but not always, on those of large pages. */
function randomMappings(random: Random): Mapping[] {
  const bounds = new Set<number>();
  for (let count = random.integer(2, 24); bounds.size < count; ) {
    const unit = random.pick([PAGE_BYTES, PAGE_BYTES, 2 * MIB, GIB]);
    bounds.add(unit * random.integer(0, Math.min(6 * GIB, unit * 1024) / unit));
  }
  const sorted = [...bounds].sort((a, b) => a - b);
  return sorted.slice(1).flatMap((end, index) => {
    const access = random.pick(["read", "read-write", "read-execute", "device", undefined] as const);
    return access === undefined ? [] : [mapping(sorted[index] ?? 0, end, access)];
  });
}

describe.each(Object.entries(ARCHITECTURES))("page tables of %s", (_, { format, walk, reach }) => {
  const address = guestAddress(0x20000);

  function tables(mappings: readonly Mapping[], areaBytes = AREA_BYTES) {
    const bytes = new Uint8Array(areaBytes).fill(0xa5);
    const { root, usedBytes } = writePageTables(format, { address, bytes }, mappings);
    expect(bytes.subarray(usedBytes).every((byte) => byte === 0xa5)).toBe(true);
    const view = new DataView(bytes.buffer, 0, usedBytes);
    const read = (at: bigint) => view.getBigUint64(Number(at) - address, true);
    return { usedBytes, translate: (at: number) => walk(read, BigInt(root), BigInt(at)) };
  }

  it(`lead every mapped address to itself with its rights, and no other anywhere (seed ${SEED})`, () => {
    const random = seededRandom();
    for (let round = 0; round < 200; round++) {
      const mappings = randomMappings(random);
      const { translate } = tables(mappings);
      const edges = mappings.flatMap(({ start, end }) => [start - 1, start, start + 4095, end - 1, end]);
      const others = Array.from({ length: 50 }, () => random.integer(0, 6 * 1024 * 1024) * 1024);
      for (const at of [...edges, ...others].filter((value) => value >= 0 && value < reach)) {
        const found = mappings.find(({ start, end }) => at >= start && at < end);
        const expected = found && { address: BigInt(at), ...RIGHTS[found.access] };
        expect(translate(at), `round ${round}, 0x${at.toString(16)}`).toEqual(expected);
      }
    }
  });

  it("take the largest pages that fit", () => {
    const large = tables([mapping(2 * MIB, 1024 * MIB, "read-write")]);
    expect(large.usedBytes).toBe((format.levels - 1) * PAGE_BYTES);
    const odd = tables([mapping(2 * MIB - PAGE_BYTES, 4 * MIB + PAGE_BYTES, "read-write")]);
    expect(odd.usedBytes).toBe((format.levels - 1 + 2) * PAGE_BYTES);
  });

  it("are refused where mappings overlap, are not whole pages or lie too high", () => {
    for (const wrong of [
      [mapping(0, 8192, "read"), mapping(4096, 12288, "read")],
      [mapping(8192, 12288, "read"), mapping(0, 4096, "read")],
      [mapping(4096, 4096, "read")],
      [mapping(1, 4096, "read")],
      [mapping(0, 4097, "read")],
      [mapping(reach, reach + 4096, "read")],
    ]) {
      expect(() => tables(wrong)).toThrow(RangeError);
    }
    expect(tables([mapping(reach - 4096, reach, "read")]).translate(reach - 1)?.address).toBe(BigInt(reach - 1));
  });

  it("are refused where the area is too small", () => {
    const mappings = [mapping(0, 4096, "read")];
    const { usedBytes } = tables(mappings);
    expect(tables(mappings, usedBytes).usedBytes).toBe(usedBytes);
    expect(() => tables(mappings, usedBytes - PAGE_BYTES)).toThrow(/too small/);
  });
});
