import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryConsole } from "../../src/device/console.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { parseImage } from "../../src/format/parse.ts";
import { guestAddress } from "../../src/memory/address.ts";
import { GuestMemory } from "../../src/memory/guest-memory.ts";
import { commandLine, HvtMachine } from "../../src/monitor/hvt-machine.ts";
import { buildImage, HVT, RW, RX } from "../format/build-image.ts";
import { SEED, seededRandom } from "../support/random.ts";

const MEMORY_BYTES = 32 * 2 ** 20;
const SLICE_MS = 5;
const NS_PER_MS = 1e6;
/** What one look at the clock and the copying since the last took, by the test's clock. */
const LOOK_MS = 0.75;
const DATA = 0x200000;

describe(`the loading of a large image (seed ${SEED})`, () => {
  let nowMs = 0;
  beforeEach(
    () =>
      void vi.spyOn(performance, "now").mockImplementation(() => {
        nowMs += LOOK_MS;
        return nowMs;
      }),
  );
  afterEach(() => void vi.restoreAllMocks());

  const random = seededRandom();
  const pattern = Uint8Array.from({ length: 9973 }, () => random.integer(0, 255));
  const content = Uint8Array.from({ length: 10_000_001 }, (_, at) => pattern[at % pattern.length] ?? 0);
  const segments = [
    { address: 0x100000, content: new Uint8Array(0x1000).fill(0x90), flags: RX },
    { address: DATA, content, flags: RW },
  ];

  /** A machine whose guest would compute for ever, and the slices that its engine was given. */
  function machineOf() {
    const slicesMs: (number | undefined)[] = [];
    const written: (readonly [number, number])[] = [];
    const memory = new GuestMemory(new ArrayBuffer(MEMORY_BYTES));
    const engine: Partial<Engine> = {
      memory,
      counterHz: 1e9,
      start: () => undefined,
      instructionsWritten: (address, bytes) => void written.push([address, bytes]),
      run: (_, sliceNs) => {
        slicesMs.push(sliceNs === undefined ? undefined : sliceNs / NS_PER_MS);
        return { type: "interrupted" };
      },
    };
    const image = parseImage(buildImage({ abiTarget: HVT, entry: 0x100000, devices: [], segments }).file);
    const machine = new HvtMachine(engine as Engine, {
      image,
      commandLine: commandLine([]),
      console: new MemoryConsole(),
      clock: { nowNs: () => 0n },
      block: new Map(),
      net: new Map(),
    });
    const isLoaded = () =>
      Buffer.compare(memory.own(guestAddress(DATA), content.length).bytes, content) === 0 &&
      memory.own(guestAddress(0x100fff), 1).bytes[0] === 0x90;
    return { machine, slicesMs, written, isLoaded };
  }

  it("takes runs of its own, none beyond its slice, and the guest the rest", () => {
    const { machine, slicesMs, written, isLoaded } = machineOf();
    let runs = 0;
    for (; slicesMs.length === 0; runs++) {
      expect(isLoaded()).toBe(false);
      const start = nowMs;
      expect(machine.run(SLICE_MS * NS_PER_MS)).toEqual({ type: "interrupted" });
      expect(nowMs - start).toBeLessThanOrEqual(SLICE_MS + 2 * LOOK_MS);
    }
    expect(isLoaded()).toBe(true);
    expect(written).toEqual([[0x100000, 0x1000]]);
    expect(runs).toBeGreaterThan(3);
    expect(slicesMs[0]).toBeGreaterThan(0);
    expect(slicesMs[0]).toBeLessThan(SLICE_MS);
    machine.run(SLICE_MS * NS_PER_MS);
    expect(slicesMs[1]).toBe(SLICE_MS);
  });

  it("is all of the first run that has no end, or done before where it is asked for", () => {
    const one = machineOf();
    one.machine.run();
    expect([one.isLoaded(), one.slicesMs]).toEqual([true, [undefined]]);
    const other = machineOf();
    other.machine.load();
    expect([other.isLoaded(), other.slicesMs]).toEqual([true, []]);
  });
});
