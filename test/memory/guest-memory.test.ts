import { describe, expect, it } from "vitest";
import { guestAddress, hostAddress } from "../../src/memory/address.ts";
import { GuestMemory } from "../../src/memory/guest-memory.ts";
import { SEED, seededRandom } from "../support/random.ts";

const SIZE = 65536;
const TWO_POW_53 = 2n ** 53n;
const TWO_POW_64 = 2n ** 64n;

describe("a guest's pointer", () => {
  const memory = new GuestMemory(new ArrayBuffer(SIZE), hostAddress(0x7f00_0000_0000n));

  it(`becomes bytes exactly where all of them lie inside (seed ${SEED})`, () => {
    const random = seededRandom();
    const edges = [0n, 1n, BigInt(SIZE) - 1n, BigInt(SIZE), BigInt(SIZE) + 1n, 2n ** 31n, 2n ** 32n, TWO_POW_53];
    const hostile = (): bigint => {
      const near = random.pick([...edges, TWO_POW_53 - 1n, 2n ** 63n, TWO_POW_64 - 1n, TWO_POW_64 - BigInt(SIZE)]);
      const value = random.pick([near, near + random.bigint(-9n, 9n), random.bigint(0n, TWO_POW_64 - 1n)]);
      return BigInt.asUintN(64, value);
    };
    let inside = 0;
    for (let attempt = 0; attempt < 100_000; attempt++) {
      const [pointer, length] = [hostile(), hostile()];
      const range = memory.range(Number(pointer), Number(length));
      const expected = pointer <= BigInt(SIZE) && pointer + length <= BigInt(SIZE);
      expect(range !== undefined, `${length} bytes at ${pointer}`).toBe(expected);
      if (range === undefined) continue;
      inside++;
      expect([range.bytes.byteOffset, range.bytes.length]).toEqual([Number(pointer), Number(length)]);
      expect(range.hostAddress).toBe(0x7f00_0000_0000n + pointer);
    }
    expect(inside).toBeGreaterThan(1000);
  });

  it("of the engine's own that lies outside is a defect", () => {
    expect(() => memory.own(guestAddress(SIZE - 1), 2)).toThrow(RangeError);
  });

  it("has no address where its memory has none", () => {
    expect(new GuestMemory(new ArrayBuffer(16)).own(guestAddress(8), 1).hostAddress).toBeUndefined();
  });
});

describe("a guest's number of 64 bits", () => {
  it(`is exact below 2^53, and not below it from there on (seed ${SEED})`, () => {
    const random = seededRandom();
    const range = new GuestMemory(new ArrayBuffer(16)).own(guestAddress(0), 16);
    for (let attempt = 0; attempt < 50_000; attempt++) {
      const bits = random.bigint(0n, 64n);
      const value = random.bigint(0n, 2n ** bits - 1n);
      range.setU64(8, value);
      expect(range.bigU64(8)).toBe(value);
      if (value < TWO_POW_53) expect(BigInt(range.u64(8))).toBe(value);
      else expect(range.u64(8)).toBeGreaterThanOrEqual(2 ** 53);
    }
  });
});

describe("addresses", () => {
  it("are whole numbers that are exact", () => {
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) expect(() => guestAddress(value)).toThrow(RangeError);
    expect(guestAddress(2 ** 53 - 1)).toBe(2 ** 53 - 1);
    expect(hostAddress(-4096n)).toBe(2n ** 64n - 4096n);
  });
});
