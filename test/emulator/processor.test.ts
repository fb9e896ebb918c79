import { expect, it } from "vitest";
import { type Bus, Processor } from "../../src/engine/emulator/processor/processor.ts";

const GUEST_BYTES = 2 ** 20;
const COUNTER_HZ = 1_000_000;

/** Nothing answers beside its memory. */
const BUS: Bus = { load: () => undefined, store: () => undefined };

it("ends a slice of a guest whose exception handler is undefined, unaligned, or nowhere", () => {
  for (const vectors of [0n, 2n ** 40n]) {
    for (const pc of [0n, 2n, 2n ** 40n]) {
      const processor = new Processor(GUEST_BYTES, BUS, COUNTER_HZ, () => 0);
      processor.setSystemRegister("vbar_el1", vectors);
      processor.pc = pc;
      expect(processor.run(1000)).toBe("budget");
      expect(processor.pc).toBe(vectors + 0x200n);
    }
  }
});
