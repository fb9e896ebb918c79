import { describe, expect, it } from "vitest";
import { GUEST_ADDRESS } from "../../../src/engine/emulator/layout.ts";
import { translateNow } from "../../../src/engine/emulator/processor/address-space.ts";
import { MachineMemory } from "../../../src/engine/emulator/processor/memory.ts";
import { SystemRegisters } from "../../../src/engine/emulator/processor/registers.ts";
import { ProcessorState } from "../../../src/engine/emulator/processor/state.ts";
import { isDevice } from "../../../src/engine/emulator/processor/translate.ts";
import { findWindow, isWindow } from "../../../src/engine/emulator/processor/windows.ts";
import { SEED, seededRandom } from "../../support/random.ts";
import { MAIR, SCTLR, TCR } from "./program.ts";

const PAGE_BYTES = 4096;
const BLOCK_BYTES = 2 ** 21;
const MEMORY_BYTES = 4 * BLOCK_BYTES;
/** Tables of pages for the lower half of memory; blocks map the upper one. */
const PAGES = MEMORY_BYTES / 2 / PAGE_BYTES;
const TABLE = { level1: 0x1000, level2: 0x2000, level3: 0x3000 } as const;
const PAGE = 0x703n;
const BLOCK = 0x701n;
const COUNTER_HZ = 1_000_000;
const ROUNDS = 200;

/** What may be otherwise with a page. */
const CHANGES: Readonly<Record<string, (descriptor: bigint) => bigint>> = {
  "is not mapped": () => 0n,
  "leads elsewhere": (descriptor) => descriptor ^ 0x1000n,
  "leads outside memory": (descriptor) => descriptor | (1n << 36n),
  "is read-only": (descriptor) => descriptor | (1n << 7n),
  "is not executed": (descriptor) => descriptor | (1n << 54n),
  "was not accessed": (descriptor) => descriptor & ~(1n << 10n),
  "is a device's": (descriptor) => descriptor | (2n << 2n),
};

function makeState(): ProcessorState {
  const registers = new SystemRegisters(COUNTER_HZ);
  registers.set("mair_el1", MAIR);
  registers.set("tcr_el1", TCR);
  registers.set("ttbr0_el1", BigInt(TABLE.level1));
  registers.set("sctlr_el1", SCTLR);
  const state = new ProcessorState(new MachineMemory(MEMORY_BYTES), registers);
  const write = (at: number, descriptor: bigint) => state.view.setBigUint64(GUEST_ADDRESS + at, descriptor, true);
  write(TABLE.level1, BigInt(TABLE.level2) | 3n);
  for (let block = 0; block < 4; block++) {
    const table = BigInt(TABLE.level3 + block * PAGE_BYTES) | 3n;
    write(TABLE.level2 + 8 * block, block < 2 ? table : BigInt(block * BLOCK_BYTES) | BLOCK);
  }
  for (let page = 0; page < PAGES; page++) write(TABLE.level3 + 8 * page, BigInt(page * PAGE_BYTES) | PAGE);
  return state;
}

function change(state: ProcessorState, page: number, how: (descriptor: bigint) => bigint): void {
  const at = GUEST_ADDRESS + TABLE.level3 + 8 * page;
  state.view.setBigUint64(at, how(state.view.getBigUint64(at, true)), true);
}

/** Page by page, each by a walk of its own. */
function pagesAround(state: ProcessorState, kind: "load" | "store", page: number): readonly [number, number] {
  const isPlain = (each: number) => {
    const found = translateNow(state, BigInt(each * PAGE_BYTES), kind, false);
    if (found.isFault || isDevice(found.attributes) || found.address !== each * PAGE_BYTES) return false;
    // A window has a block whole or not at all.
    const [from, bytes] =
      each < PAGES
        ? [each * PAGE_BYTES, PAGE_BYTES]
        : [each * PAGE_BYTES - ((each * PAGE_BYTES) % BLOCK_BYTES), BLOCK_BYTES];
    return kind === "load" || !state.memory.hasRecords(from, bytes);
  };
  let [first, end] = [page, page];
  while (first > 0 && isPlain(first - 1)) first--;
  while (end < MEMORY_BYTES / PAGE_BYTES && isPlain(end)) end++;
  return [first, end];
}

const found = (state: ProcessorState, kind: "load" | "store", page: number) => {
  const window = findWindow(state, kind, BigInt(page * PAGE_BYTES));
  if (window === undefined) return undefined;
  expect(window.addend).toBe(BigInt(GUEST_ADDRESS));
  return [window.start, window.start + window.length].map((at) => Number(at) / PAGE_BYTES);
};

const TOP = MEMORY_BYTES / PAGE_BYTES - 1;

describe.each(["load", "store"] as const)("the window of a %s", (kind) => {
  it("reaches over blocks and pages to memory's ends", () => {
    const state = makeState();
    for (const page of [0, 1, 511, 512, PAGES, TOP]) expect(found(state, kind, page)).toEqual([0, TOP + 1]);
  });

  it.each(Object.keys(CHANGES))("ends, if it has to, at a page that %s", (name) => {
    for (const page of [0, 7, 511, 512, 700, PAGES - 1]) {
      const state = makeState();
      const before = findWindow(state, kind, BigInt(TOP * PAGE_BYTES));
      if (before === undefined) throw new Error("there is no window");
      change(state, page, CHANGES[name] ?? (() => 0n));
      expect(found(state, kind, TOP), `page ${page}`).toEqual(pagesAround(state, kind, TOP));
      const [first] = pagesAround(state, kind, TOP);
      expect(isWindow(state, kind, before), `page ${page}`).toBe(first === 0);
    }
  });

  it(`is what a walk for each page finds (seed ${SEED})`, () => {
    const random = seededRandom();
    for (let round = 0; round < ROUNDS; round++) {
      const state = makeState();
      const told: string[] = [];
      for (let count = random.integer(0, 4); count > 0; count--) {
        const page = random.pick([random.integer(0, PAGES - 1), 511, 512]);
        const name = random.pick(Object.keys(CHANGES));
        change(state, page, CHANGES[name] ?? (() => 0n));
        told.push(`page ${page} ${name}`);
      }
      const code = random.integer(0, TOP);
      if (random.integer(0, 1) === 0) state.memory.recordsOf(code * PAGE_BYTES, 0);
      const page = random.pick([TOP, random.integer(0, TOP)]);
      const [first, end] = pagesAround(state, kind, page);
      // A page that is no plain memory itself has no window of its own.
      if (end === page) continue;
      expect(found(state, kind, page), `${told}, code in ${code}, around ${page}`).toEqual([first, end]);
    }
  });
});
