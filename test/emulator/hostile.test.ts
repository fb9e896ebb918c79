import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, it } from "vitest";
import { GUEST_ADDRESS } from "../../src/engine/emulator/layout.ts";
import type { Processor, Translation } from "../../src/engine/emulator/processor/processor.ts";
import { describeWith } from "../guests/requirement.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { ASSEMBLER, DATA_ADDRESS, loadProgram, runToEnd, STOP, STOP_ADDRESS, TABLES } from "./bare.ts";

const folder = temporaryFolder();
const { Module, Instance } = WebAssembly;
const BUDGET = 1000;
const TURNS_MAX = 10_000;
const BLOCK_BYTES = 2 ** 21;
/** Of a table's entry, and of a block that is accessed. */
const DESCRIPTOR = { table: 3n, block: 0x401n, page: 0x403n } as const;
/** Of what one translation makes, with what it repeats and stores on its ways out. */
const MODULE_BYTES_MAX = 128 * 1024;

/** What WebAssembly is asked for until the test ends. */
function watchModules() {
  const instances: WeakRef<WebAssembly.Instance>[] = [];
  let largestBytes = 0;
  const WatchedModule = class extends Module {
    constructor(bytes: Uint8Array<ArrayBuffer>) {
      super(bytes);
      largestBytes = Math.max(largestBytes, bytes.length);
    }
  };
  const WatchedInstance = class extends Instance {
    constructor(...args: ConstructorParameters<typeof Instance>) {
      super(...args);
      instances.push(new WeakRef(this));
    }
  };
  Object.assign(WebAssembly, { Module: WatchedModule, Instance: WatchedInstance });
  const aliveAfterCollection = async () => {
    setFlagsFromString("--expose-gc");
    const collect: unknown = runInNewContext("gc");
    if (typeof collect !== "function") throw new Error("no garbage collector");
    // References that were looked at are kept until the event loop goes on.
    for (let times = 0; times < 3; times++) {
      await setImmediate();
      collect();
    }
    return instances.filter((instance) => instance.deref() !== undefined).length;
  };
  return { instances, largestBytes: () => largestBytes, aliveAfterCollection };
}

/** Runs a program in all ways, to its end. @returns X0 then, which is the same in all. */
function result(source: string, prepare: (processor: Processor) => void = () => {}): bigint {
  const translations: readonly Translation[] = ["none", "hot", "all"];
  const [expected, ...others] = translations.map((translation) => {
    const processor = loadProgram(`${source}\n${STOP}`, folder, { translation });
    prepare(processor);
    runToEnd(processor, BUDGET, TURNS_MAX);
    return processor.getRegister(0);
  });
  if (expected === undefined) throw new Error("nothing ran");
  for (const other of others) expect(other).toBe(expected);
  return expected;
}

describeWith([ASSEMBLER], "a hostile guest", () => {
  afterEach(() => {
    Object.assign(WebAssembly, { Module, Instance });
  });

  it("maps an address high up as far from its memory as its stack, modulo 2^32", () => {
    const farAddress = 0xff40_0000;
    const stackBlock = { virtual: 1, physical: 0xe0_0000 };
    // What the stack's addresses are short of their memory's, this one is beyond its own: block 0 of the memory.
    expect((farAddress + stackBlock.physical - BLOCK_BYTES) % 2 ** 32).toBe(0);
    const source = `
      mov x9, #${BLOCK_BYTES + 0x10_0000}
      mov sp, x9
      mov x1, #${farAddress}
      mov x4, #300
      ldr x2, [x1]
    repeat: ldr x3, [x1]
      ldr x5, [x1, #8]
      ldr x6, [x1, x7]
      add x0, x0, x3
      add x0, x0, x5
      add x0, x0, x6
      subs x4, x4, #1
      b.ne repeat`;
    const prepare = ({ memory: { view } }: Processor) => {
      const write = (address: number, value: bigint) => view.setBigUint64(GUEST_ADDRESS + address, value, true);
      const upper = TABLES.blocks + 0x1000;
      write(TABLES.blocks + 8 * stackBlock.virtual, BigInt(stackBlock.physical) | DESCRIPTOR.block);
      write(TABLES.root + 8 * 3, BigInt(upper) | DESCRIPTOR.table);
      write(upper + 8 * ((farAddress % 2 ** 30) / BLOCK_BYTES), DESCRIPTOR.block);
      write(0, 7n);
      write(8, 11n);
    };
    expect(result(source, prepare)).toBe(300n * (7n + 11n + 7n));
  });

  it("leaves a function in many places, and after a call by what is no instruction", () => {
    const registers = Array.from({ length: 28 }, (_, number) => number).filter((number) => number > 1 && number !== 16);
    const source = `
      mov x0, #0
      adr x9, vectors
      msr vbar_el1, x9
      isb
      mov x28, #200
    repeat: sub x28, x28, #1
      b function
    function:
      ${registers.map((number) => `mov x${number}, #${number}\n ldr x1, [sp]`).join("\n")}
      bl callee
      .inst 0
    callee: mov x5, #77
      ret
      .balign 2048
    vectors: .space 0x200
      add x0, x0, x5
      cbnz x28, repeat`;
    expect(result(source)).toBe(200n * 77n);
  });

  it.each([
    ["ldp", "ldp q0, q1, [x20]\n ld4 {v0.16b-v3.16b}, [x20]\n adcs x12, x12, x13"],
    ["fmla", "fmla v0.4s, v1.4s, v2.4s"],
    ["fmadd", "fmadd d0, d1, d2, d3"],
    ["sqrshl", "sqrshl v0.16b, v1.16b, v2.16b"],
    ["aese", "aese v0.16b, v1.16b"],
  ])("calls itself in a function that is full of %s", (_, line) => {
    const source = `
      .arch armv8-a+crypto
      mov x20, #${DATA_ADDRESS}
      mov x22, #4
    repeat: mov x1, #300
      bl down
      subs x22, x22, #1
      b.ne repeat
      mov x16, #${STOP_ADDRESS}
      str wzr, [x16]
    down: cbz x1, bottom
      stp x29, x30, [sp, #-16]!
      sub x1, x1, #1
      bl down
      add x0, x0, #1
      .rept 300
      ${line}
      .endr
      ldp x29, x30, [sp], #16
    bottom: ret`;
    const modules = watchModules();
    expect(result(source)).toBe(4n * 300n);
    expect(modules.largestBytes()).toBeLessThan(MODULE_BYTES_MAX);
  });

  it("has functions translated one a turn", () => {
    const functions = Array.from({ length: 50 }, (_, index) => `function${index}: add x0, x0, #1\n ret`);
    const source = `
    repeat: adr x1, function0
      mov x2, #50
    next: blr x1
      add x1, x1, #8
      subs x2, x2, #1
      b.ne next
      b repeat
      ${functions.join("\n")}`;
    const processor = loadProgram(source, folder, { translation: "hot" });
    const modules = watchModules();
    for (let turn = 0; turn < 20; turn++) {
      const before = modules.instances.length;
      expect(processor.run(1_000_000)).toBe("budget");
      // And what the interpreter needs at its first instruction.
      expect(modules.instances.length - before).toBeLessThanOrEqual(turn === 0 ? 3 : 1);
    }
  });

  it("writes over its code again and again, and what was made of it is given back", async () => {
    const FUNCTIONS = 64;
    const ROUNDS = 5;
    const CALLS = 80;
    const source = `
      mov x5, #${ROUNDS}
    round: mov x4, #${CALLS}
    repeat: adr x1, first
      mov x2, #${FUNCTIONS}
    next: blr x1
      add x1, x1, #8
      subs x2, x2, #1
      b.ne next
      subs x4, x4, #1
      b.ne repeat
      adr x1, first
      mov x2, #${FUNCTIONS / 8}
    write: ldr w3, [x1]
      str w3, [x1], #64
      subs x2, x2, #1
      b.ne write
      subs x5, x5, #1
      b.ne round
      ${STOP}
      .balign 4096
    first:
      .rept ${FUNCTIONS}
      add x0, x0, #1
      ret
      .endr`;
    const processor = loadProgram(source, folder, { translation: "hot" });
    const modules = watchModules();
    runToEnd(processor, BUDGET, TURNS_MAX);
    expect(processor.getRegister(0)).toBe(BigInt(FUNCTIONS * ROUNDS * CALLS));
    const made = modules.instances.length;
    expect(made).toBeGreaterThan(FUNCTIONS * ROUNDS);
    expect(await modules.aliveAfterCollection()).toBeLessThanOrEqual(made - FUNCTIONS * ROUNDS);
    // The machine is alive, and with it whatever it holds.
    expect(processor.pc).toBeGreaterThan(0n);
  });

  it("has more large functions than there is room for", { timeout: 60_000 }, async () => {
    const ENTRIES = 700;
    const INSTRUCTIONS = 500;
    const KEPT_MAX = 2 ** 18 / INSTRUCTIONS;
    expect(ENTRIES).toBeGreaterThan(KEPT_MAX + 100);
    const source = `
      mov x4, #70
    repeat: adr x1, first
      mov x2, #${ENTRIES}
    next: blr x1
      add x1, x1, #4
      subs x2, x2, #1
      b.ne next
      subs x4, x4, #1
      b.ne repeat
      ${STOP}
    first:
      .rept ${ENTRIES + INSTRUCTIONS}
      nop
      .endr
      add x0, x0, #1
      ret`;
    const processor = loadProgram(source, folder, { translation: "hot" });
    const modules = watchModules();
    runToEnd(processor, 10 * BUDGET, TURNS_MAX);
    expect(processor.getRegister(0)).toBe(70n * BigInt(ENTRIES));
    const others = 10;
    expect(modules.instances.length).toBeGreaterThan(ENTRIES);
    expect(await modules.aliveAfterCollection()).toBeLessThan(KEPT_MAX + others);
    expect(processor.pc).toBeGreaterThan(0n);
  });

  it("forgets translations again and again with its stack elsewhere each time, which costs no translation of code", () => {
    const ROUNDS = 4000;
    const source = `
      mov x4, #${ROUNDS}
    repeat: mov x9, #${4 * BLOCK_BYTES - 4096}
      and x10, x4, #0x3fc
      sub x9, x9, x10, lsl #12
      mov sp, x9
      tlbi vae1, x7
      dsb ish
      isb
      b inner
    inner: ldr x3, [sp]
      add x0, x0, #1
      subs x4, x4, #1
      b.ne repeat
      ${STOP}`;
    const processor = loadProgram(source, folder, { translation: "hot" });
    const { view } = processor.memory;
    const write = (address: number, value: bigint) => view.setBigUint64(GUEST_ADDRESS + address, value, true);
    for (const block of [2, 3]) {
      const pages = TABLES.blocks + 0x1000 * block;
      write(TABLES.blocks + 8 * block, BigInt(pages) | DESCRIPTOR.table);
      for (let page = 0; page < 512; page++) {
        write(pages + 8 * page, BigInt(block * BLOCK_BYTES + 4096 * page) | DESCRIPTOR.page);
      }
    }
    const modules = watchModules();
    runToEnd(processor, BUDGET, TURNS_MAX);
    expect(processor.getRegister(0)).toBe(BigInt(ROUNDS));
    expect(modules.instances.length).toBeLessThan(20);
  });

  it.each([
    ["forgets translations", 200, "tlbi vmalle1", 10],
    ["zeroes memory", 200, "dc zva, x20", 10],
    ["asks for registers", 400, "mrs x3, currentel", 100],
    ["runs in loops of many instructions", 400, "add x3, x3, x4", 20_000],
    ["divides", 400, "sdiv x3, x4, x5", 20_000],
  ])("has short turns when it %s, whatever its branches cost before", (_, count, line, roundsMax) => {
    const LONG_TURN = 1_000_000;
    const source = `
      mov x20, #${DATA_ADDRESS}
    repeat:
      .rept ${count}
      ${line}
      .endr
      add x0, x0, #1
      b repeat`;
    for (const translation of ["none", "hot"] as const) {
      const processor = loadProgram(source, folder, { translation });
      for (let turn = 0; turn < 200; turn++) processor.run(BUDGET);
      const before = processor.getRegister(0);
      expect(processor.run(LONG_TURN)).toBe("budget");
      expect(Number(processor.getRegister(0) - before)).toBeLessThan(
        translation === "none" ? 5 * roundsMax : roundsMax,
      );
    }
  });
});
