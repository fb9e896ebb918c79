import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type HostMapping, MAPPING_BYTES_MAX, mapGuarded } from "../../src/host/mapping.ffi.ts";

const MIB = 2 ** 20;
const GUARD_BYTES = 65536n;

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
  const mappings = Array.from({ length: 8 }, () => mapGuarded(2048 * MIB));
  const after = process.memoryUsage();
  for (const { unmap } of mappings) unmap();
  expect(after.external - before.external).toBeLessThan(MIB);
  expect(after.rss - before.rss).toBeLessThan(64 * MIB);
});

it("what was touched goes back to the host at once", () => {
  const mapping = mapGuarded(256 * MIB);
  for (let offset = 0; offset < 256 * MIB; offset += 4096) mapping.view.setUint8(offset, 1);
  const before = process.memoryUsage().rss;
  mapping.unmap();
  expect(before - process.memoryUsage().rss).toBeGreaterThan(200 * MIB);
});

it("memory is there where V8 has no room", () => {
  const taken: WebAssembly.Memory[] = [];
  expect(() => {
    for (;;) taken.push(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  }).toThrow(RangeError);
  const mapping = mapGuarded(64 * MIB);
  expectGuarded(mapping, 64 * MIB);
  mapping.unmap();
  expect(rightsAt(mapping.address)).not.toBe("rw-p");
  expect(taken.length).toBeGreaterThan(0);
});

it("more than can be shown is refused", () => {
  expect(() => mapGuarded(MAPPING_BYTES_MAX + 65536)).toThrow(RangeError);
});
