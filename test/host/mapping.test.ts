import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HostMapping, MAPPING_BYTES_MAX, mapGuarded } from "../../src/host/mapping.ffi.ts";

const MIB = 2 ** 20;
const GUARD_BYTES = 65536n;

/** What was unmapped goes back part by part. */
async function untilGivenBack(): Promise<void> {
  while (process.getActiveResourcesInfo().includes("Immediate")) await setImmediate();
}

beforeEach(untilGivenBack);

/** What Linux shows of the mapping that the address lies in. */
function rightsAt(address: bigint): string | undefined {
  for (const line of readFileSync("/proc/self/maps", "utf8").trim().split("\n")) {
    const [, start = "0", end = "0", rights] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (BigInt(`0x${start}`) <= address && address < BigInt(`0x${end}`)) return rights;
  }
  return undefined;
}

function expectGuarded({ address, view }: HostMapping, bytes: number): void {
  expect(view.byteLength).toBe(bytes);
  expect([rightsAt(address), rightsAt(address + BigInt(bytes - 1))]).toEqual(["rw-p", "rw-p"]);
  for (const guard of [
    address - GUARD_BYTES,
    address - 1n,
    address + BigInt(bytes),
    address + BigInt(bytes) + 65535n,
  ]) {
    expect(rightsAt(guard)).toBe("---p");
  }
  view.setUint8(0, 1);
  view.setUint8(bytes - 1, 2);
  expect([view.getUint8(0), view.getUint8(1), view.getUint8(bytes - 1)]).toEqual([1, 0, 2]);
}

it.each([1, 3, 512, 4095, 4096])("memory of %i MiB has guards on both sides, and can be given back", (mib) => {
  const mapping = mapGuarded(mib * MIB);
  expectGuarded(mapping, mib * MIB);
  mapping.unmap();
});

it("memory is counted by nobody but the host", () => {
  const before = process.memoryUsage();
  const mappings = [1, 1024, 2048, 4095, 4096].map((mib) => mapGuarded(mib * MIB));
  const after = process.memoryUsage();
  for (const { unmap } of mappings) unmap();
  expect(after.external - before.external).toBeLessThan(MIB);
  expect(after.rss - before.rss).toBeLessThan(64 * MIB);
});

describe("what was touched goes back to the host", () => {
  const touched = (mib: number) => {
    const mapping = mapGuarded(mib * MIB);
    for (let offset = 0; offset < mib * MIB; offset += 4096) mapping.view.setUint8(offset, 1);
    return mapping;
  };
  const residentMib = () => process.memoryUsage.rss() / MIB;
  afterEach(() => void vi.restoreAllMocks());

  it("at once, where it is little", () => {
    vi.spyOn(performance, "now").mockReturnValue(0);
    const before = residentMib();
    for (let count = 0; count < 8; count++) touched(64).unmap();
    expect(residentMib() - before).toBeLessThan(100);
  });

  it("a millisecond's part in each turn of the event loop, where it is much", async () => {
    const MIB_BACK_AT_LOOK = 1;
    const LOOKS = 4;
    let nowMs = 0;
    vi.spyOn(performance, "now").mockImplementation(() => {
      nowMs += 1 / LOOKS;
      return nowMs;
    });
    const TOUCHED_MIB = 96;
    const mappings = [touched(TOUCHED_MIB / 2), touched(TOUCHED_MIB / 2)];
    const full = residentMib();
    for (const { unmap } of mappings) unmap();
    let turns = 0;
    for (let left = residentMib(), least = full - TOUCHED_MIB * 0.9; left > least; turns++) {
      await setImmediate();
      const now = residentMib();
      expect(left - now).toBeLessThan(LOOKS * MIB_BACK_AT_LOOK + 4);
      left = now;
    }
    expect(turns).toBeGreaterThan(10);
  });
});

it("memory is there where V8 has no room", async () => {
  const taken: WebAssembly.Memory[] = [];
  expect(() => {
    for (;;) taken.push(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  }).toThrow(RangeError);
  const mapping = mapGuarded(64 * MIB);
  expectGuarded(mapping, 64 * MIB);
  mapping.unmap();
  await untilGivenBack();
  expect(rightsAt(mapping.address)).not.toBe("rw-p");
  expect(taken.length).toBeGreaterThan(0);
});

it("more than can be shown is refused", () => {
  expect(() => mapGuarded(MAPPING_BYTES_MAX + 65536)).toThrow(RangeError);
});
