import { describe, expect, it, vi } from "vitest";
import { INSTRUCTIONS } from "../../../src/engine/emulator/instruction/table.ts";
import { GUEST_ADDRESS, RECORD_PAGES } from "../../../src/engine/emulator/layout.ts";
import type { Processor } from "../../../src/engine/emulator/processor/processor.ts";
import { REGION_EXPORT } from "../../../src/engine/emulator/translator/region.ts";
import { addressIn, bareProcessor, CODE, MEMORY_BYTES, taken, VECTOR, VECTORS } from "./bare.ts";
import { PSTATE } from "./program.ts";
import { TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const BUDGET = 1000;
const PAGE_BYTES = 4096;
const TABLE_IMPORT = expect.objectContaining({ kind: "table" });
const ADD_X5 = a64.add(5, 5, 1);
const ADD_X2 = a64.add(2, 2, 1);
const STR_W1_X0 = 0xb900_0001;

/** Every run comes back with its budget used, however often. */
function staysBounded(processor: Processor, turns = 20): void {
  for (let turn = 0; turn < turns; turn++) expect(processor.run(BUDGET)).toBe("budget");
}

describe.each(TIERS)("a guest's limits: $tier", ({ options }) => {
  it.each([
    ["to itself", [a64.BRANCH_TO_SELF]],
    ["of two", [ADD_X2, a64.branch(1, 0)]],
    ["to an address in a register", [0x1000_0000, a64.branchTo(0)]],
    ["of calls", [0x9400_0000]],
    ["of supervisor calls", [a64.svc(0), a64.branch(1, 0)]],
  ])("a loop %s ends with its budget", (_, words) => {
    staysBounded(bareProcessor(words, options));
  });

  it("a handler that faults again and again ends with its budget", () => {
    const words = [0xf940_0000];
    for (const vectors of [1n << 39n, BigInt(VECTORS), BigInt(MEMORY_BYTES), 0x40_0000n]) {
      const processor = bareProcessor(words, { ...options, registers: [1n << 50n] });
      processor.setSystemRegister("vbar_el1", vectors);
      // Loads from nowhere in the vector too, where the vectors are in memory.
      processor.memory.view.setUint32(GUEST_ADDRESS + VECTORS + Number(VECTOR.ownStack.synchronous), 0xf940_0000, true);
      staysBounded(processor);
    }
  });

  it("tables that lead to themselves, or outside memory, end with its budget", () => {
    for (const root of [0x2000n, 1n << 39n, BigInt(MEMORY_BYTES)]) {
      const processor = bareProcessor([ADD_X2, a64.branch(1, 0)], options);
      for (let index = 0; index < 512; index++) {
        processor.memory.view.setBigUint64(GUEST_ADDRESS + 0x2000 + 8 * index, 0x2003n, true);
      }
      processor.setSystemRegister("ttbr0_el1", root);
      staysBounded(processor);
    }
  });

  // What no translation is kept of has their tag, less the lowest bits.
  it.each([
    ["loads", 0xf85c_0001],
    ["stores", 0xf81c_0001],
    ["atomic instructions", 0xf820_0001],
    ["pairs", 0xa97c_0001],
  ])("%s in the last page of the address space fault, or find it", (_, word) => {
    const registers = [(1n << 64n) - 64n];
    const words = [word, a64.svc(1)];
    const unmapped = bareProcessor(words, { ...options, registers });
    expect(taken(unmapped)).toMatchObject({ exceptionClass: 0x25 });
    const mapped = bareProcessor(words, { ...options, registers });
    const tables = [
      [0x2ff8, 0x3003n],
      [0x3ff8, 0x4003n],
      [0x4ff8, 0x5703n],
    ] as const;
    for (const [at, descriptor] of tables) mapped.memory.view.setBigUint64(GUEST_ADDRESS + at, descriptor, true);
    mapped.setSystemRegister("ttbr1_el1", 0x2000n);
    expect(taken(mapped)).toMatchObject({ exceptionClass: 0x15 });
  });

  it("code in all its memory runs, and takes no more of the host's", () => {
    const first = 0x10_0000 / PAGE_BYTES;
    const last = MEMORY_BYTES / PAGE_BYTES - 1;
    expect(last - first).toBeGreaterThan(2 * RECORD_PAGES);
    const processor = bareProcessor([a64.branch(CODE / 4, (first * PAGE_BYTES) / 4)], options);
    const { view, memory } = processor.memory;
    const bytes = memory.buffer.byteLength;
    // Each page counts, and goes on in the next one; the last in the first.
    for (let page = first; page <= last; page++) {
      const at = page * PAGE_BYTES;
      const next = page === last ? first * PAGE_BYTES : at + PAGE_BYTES;
      view.setUint32(GUEST_ADDRESS + at, ADD_X2, true);
      view.setUint32(GUEST_ADDRESS + at + 4, a64.branch((at + 4) / 4, next / 4), true);
    }
    const pages = BigInt(last - first + 1);
    let turns = 0;
    while (processor.getRegister(2) < 3n * pages) {
      expect(processor.run(BUDGET)).toBe("budget");
      expect(turns++).toBeLessThan(100);
    }
    expect(memory.buffer.byteLength).toBe(bytes);
  });

  it("code that writes code for ever ends with its budget, and runs what it wrote", () => {
    // The instruction at X0 becomes ADD X2, X2, #n, where n goes on (it begins in bit 10); then it runs.
    const nextImmediate = (0x1100_0021 | (0x400 << 10)) >>> 0;
    const words = [nextImmediate, STR_W1_X0, a64.ISB, a64.branch(3, 6), 0, 0, a64.NOP, a64.branch(7, 0)];
    const target = addressIn("normal", CODE + 4 * 6);
    const start = a64.add(2, 2, 0);
    const processor = bareProcessor(words, { ...options, registers: [target, BigInt(start)] });
    for (let turn = 0; turn < 3; turn++) expect(processor.run(50)).toBe("budget");
    // 1 and 2 and so on.
    expect(processor.getRegister(2)).toBeGreaterThan(100n);
  });

  it("an illegal state at EL0 ends with its budget", () => {
    const processor = bareProcessor([a64.NOP, a64.BRANCH_TO_SELF], { ...options, pstate: PSTATE.el0 | (1n << 20n) });
    staysBounded(processor);
    expect(processor.registers.get("esr_el1") >> 26n).toBe(0xen);
  });
});

/** The modules that are instantiated while something runs. */
function instantiated(run: () => void): readonly WebAssembly.Module[] {
  const modules: WebAssembly.Module[] = [];
  const original = WebAssembly;
  class Instance extends original.Instance {
    constructor(...args: ConstructorParameters<typeof original.Instance>) {
      super(...args);
      modules.push(args[0]);
    }
  }
  const get = (target: object, name: string | symbol) => (name === "Instance" ? Instance : Reflect.get(target, name));
  vi.stubGlobal("WebAssembly", new Proxy(original, { get }));
  try {
    run();
  } finally {
    vi.unstubAllGlobals();
  }
  return modules;
}

it("a region costs no copy of the table, which grows with them", () => {
  const modules = instantiated(() => {
    bareProcessor([ADD_X2, a64.branch(1, 0)], { translation: "all" }).run(BUDGET);
  });
  const regions = modules.filter((module) =>
    WebAssembly.Module.exports(module).some(({ name }) => name === REGION_EXPORT),
  );
  expect(regions.length).toBeGreaterThan(0);
  for (const module of regions) expect(WebAssembly.Module.imports(module)).not.toContainEqual(TABLE_IMPORT);
});

it("one new kind of instruction after the other costs copies of the table up to a limit, and runs", () => {
  const pages = 1000;
  let processor = bareProcessor([]);
  const modules = instantiated(() => {
    // Each at the end of a page, so that nothing else is decoded with it.
    processor = bareProcessor([], { translation: "none" });
    for (let index = 0; index < pages; index++) {
      const row = INSTRUCTIONS[index % INSTRUCTIONS.length];
      const at = (0x100 + index) * PAGE_BYTES + PAGE_BYTES - 4;
      processor.memory.view.setUint32(GUEST_ADDRESS + at, row?.value ?? 0, true);
      processor.pc = BigInt(at);
      processor.run(2);
    }
  });
  expect(modules.length).toBeGreaterThan(500);
  const imports = modules.map((module) => WebAssembly.Module.imports(module));
  const copies = imports.filter((list) => list.some(({ kind }) => kind === "table"));
  expect(copies.length).toBeLessThan(150);
  // Made late, so through a function: MADD and CSEL in a loop.
  const late = bareProcessor([0x9b01_0c42, 0x9a83_1063, ADD_X5, a64.branch(3, 0)], { translation: "none" });
  const start = late.pc;
  expect(late.step()).toBeUndefined();
  expect(late.pc).toBe(start + 4n);
  staysBounded(late);
  expect(late.getRegister(5)).toBeGreaterThan(BigInt(BUDGET));
});
