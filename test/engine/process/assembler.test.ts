import { describe, expect, it } from "vitest";
import { Aarch64Assembler } from "../../../src/engine/process/assembler/aarch64.ts";
import type { Assembler, Condition, Label, Register, Width } from "../../../src/engine/process/assembler/assembler.ts";
import { X86Assembler } from "../../../src/engine/process/assembler/x86-64.ts";
import type { Architecture } from "../../../src/format/image.ts";
import { disassemble, disassembler } from "../../support/disassemble.ts";
import { describeWith } from "../../support/needs.ts";
import { SEED, seededRandom } from "../../support/random.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { ARM, hex, type Notation, X86 } from "./notation.ts";

const folder = temporaryFolder();
const CODE_ADDRESS = 2 ** 38;
const REGISTERS = [
  ...(["arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "number", "result"] as const),
  ...(["keep0", "keep1", "keep2", "keep3", "keep4", "scratch0"] as const),
] satisfies Register[];
const WIDTHS = [1, 2, 4, 8] satisfies Width[];
const CONDITIONS = [
  "equal",
  "notEqual",
  "unsignedBelow",
  "unsignedAtLeast",
  "signedLess",
] as const satisfies Condition[];

interface Target {
  readonly notation: Notation;
  readonly make: () => Assembler;
  readonly offsetMin: number;
  readonly enter: readonly string[];
}

const TARGETS: Readonly<Record<Architecture, Target>> = {
  "x86-64": {
    notation: X86,
    make: () => new X86Assembler(),
    offsetMin: -0x8000_0000,
    enter: [
      "movabs rsp,0x1fffff8",
      ...["eax", "ecx", "edx", "ebx", "ebp", "esi"].map((name) => `xor ${name},${name}`),
      ...[8, 9, 10, 11, 12, 13, 14, 15].map((number) => `xor r${number}d,r${number}d`),
      "mov edi,0x11000",
    ],
  },
  aarch64: {
    notation: ARM,
    make: () => new Aarch64Assembler(),
    offsetMin: 0,
    enter: [
      "mov x16, #0xfff8",
      "movk x16, #0x1ff, lsl #16",
      "mov sp, x16",
      ...Array.from({ length: 30 }, (_, index) => index + 1)
        .filter((number) => number !== 16)
        .map((number) => `mov x${number}, #0x0`),
      "mov x0, #0x1000",
      "movk x0, #0x1, lsl #16",
      "mov x16, #0x1230",
      "movk x16, #0x10, lsl #16",
      "br x16",
    ],
  },
};

/** A line that binutils should write, once the labels' addresses are known. */
type Line = (addressOf: (label: Label) => string) => string;

/** Emits operations at random and keeps what each should look like. */
class RandomProgram {
  readonly assembler: Assembler;
  readonly lines: Line[] = [];
  /** For each label the index of the line that it stands before. */
  readonly places = new Map<Label, number>();
  readonly #notation: Notation;
  readonly #offsetMin: number;
  readonly #random = seededRandom();
  readonly #labels: Label[];

  constructor({ notation, make, offsetMin }: Target, labels: number) {
    this.assembler = make();
    this.#notation = notation;
    this.#offsetMin = offsetMin;
    this.#labels = Array.from({ length: labels }, (_, index) => this.assembler.label(`label ${index}`));
  }

  emit(operations: number): this {
    const unplaced = [...this.#labels];
    for (let count = 0; count < operations; count++) {
      if (this.#random.integer(0, operations / this.#labels.length) === 0) this.#place(unplaced.pop());
      this.#emitOne(count);
    }
    for (const label of unplaced) this.#place(label);
    this.#emitOne(0);
    return this;
  }

  #place(label: Label | undefined): void {
    if (label === undefined) return;
    this.assembler.place(label);
    this.places.set(label, this.lines.length);
  }

  #expect(...texts: readonly string[]): void {
    this.lines.push(...texts.map((text) => () => text));
  }

  #emitOne(count: number): void {
    const { assembler } = this;
    const notation = this.#notation;
    const [to, from] = [this.#random.pick(REGISTERS), this.#random.pick(REGISTERS)];
    const label = this.#random.pick(this.#labels);
    const width = this.#random.pick(WIDTHS);
    const offset = this.#offset(width);
    const operations: readonly (() => void)[] = [
      () => {
        const value = this.#value();
        assembler.set(to, value);
        this.#expect(...notation.set(to, BigInt.asUintN(64, value)));
      },
      () => {
        assembler.setAddress(to, label);
        this.lines.push((addressOf) => notation.setAddress(to, addressOf(label)));
      },
      () => {
        assembler.readStackPointer(to);
        this.#expect(notation.readStackPointer(to));
      },
      ...(["copy", "add", "subtract", "and", "compare"] as const).map((name) => () => {
        assembler[name](to, from);
        this.#expect(notation[name](to, from));
      }),
      ...(["load", "store"] as const).map((name) => () => {
        assembler[name](to, from, offset, width);
        this.#expect(notation[name](to, from, offset, width));
      }),
      () => {
        const value = this.#random.pick([
          this.#random.integer(-4095, 4095),
          0,
          1,
          -1,
          127,
          128,
          -128,
          -129,
          4095,
          -4095,
        ]);
        assembler.addConstant(to, value);
        this.#expect(notation.addConstant(to, value));
      },
      () => {
        const condition = this.#random.pick(CONDITIONS);
        assembler.branch(condition, label);
        this.lines.push((addressOf) => notation.branch(condition, addressOf(label)));
      },
      () => {
        assembler.jump(label);
        this.lines.push((addressOf) => notation.jump(addressOf(label)));
      },
      () => {
        assembler.systemCall();
        this.#expect(notation.systemCall);
      },
    ];
    // In turn, so that each is emitted whatever the seed.
    operations[count % operations.length]?.();
  }

  #offset(width: Width): number {
    const most = this.#offsetMin < 0 ? 0x7fff_ffff : 4095 * width;
    const choices = [0, 8, most - (most % width), this.#random.integer(0, 4095) * width, this.#offsetMin];
    return this.#random.pick(choices);
  }

  #value(): bigint {
    const bits = BigInt(this.#random.integer(0, 64));
    const edge = this.#random.pick([0n, 1n, 0xffffn, 0x1_0000n, 0xffff_ffffn, 0x1_0000_0000n, -1n, -100n, 1n << 63n]);
    return this.#random.pick([edge, this.#random.bigint(0n, (1n << bits) - 1n), 0xffffn << (bits / 2n)]);
  }
}

describe.each(Object.entries(TARGETS) as [Architecture, Target][])("the %s assembler", (architecture, target) => {
  describeWith([disassembler(architecture)], "as binutils read it", () => {
    it(`emits every operation with any registers, constants, offsets and labels (SKIFF_SEED=${SEED})`, () => {
      const program = new RandomProgram(target, 200).emit(6000);
      const code = program.assembler.finish(BigInt(CODE_ADDRESS));
      const instructions = disassemble(folder, architecture, code, CODE_ADDRESS);
      const addressOf = (label: Label) => hex(instructions[program.places.get(label) ?? -1]?.address ?? -1);
      expect(instructions.map(({ text }) => text)).toEqual(program.lines.map((line) => line(addressOf)));
      for (const label of program.places.keys()) {
        expect(hex(program.assembler.addressOf(label, BigInt(CODE_ADDRESS)))).toBe(addressOf(label));
      }
    });

    it("enters the guest with all registers cleared but the stack pointer and the first argument", () => {
      const assembler = target.make();
      assembler.enter(0x101230n, 0x1fffff8n, 0x11000n);
      const code = assembler.finish(BigInt(CODE_ADDRESS));
      const texts = disassemble(folder, architecture, code, CODE_ADDRESS).map(({ text }) => text);
      expect(texts.slice(0, target.enter.length)).toEqual(target.enter);
      if (architecture === "aarch64") return expect(texts.length).toBe(target.enter.length);
      const pointer = /^jmp QWORD PTR \[(0x[0-9a-f]+)\]$/.exec(texts[target.enter.length] ?? "")?.[1];
      const at = Number(pointer) - CODE_ADDRESS;
      expect(new DataView(code.buffer).getBigUint64(at, true)).toBe(0x101230n);
      expect(code.length).toBe(at + 8);
    });
  });

  it("puts data and addresses where they were asked for", () => {
    const assembler = target.make();
    const data = assembler.label("data");
    assembler.systemCall();
    assembler.data(Uint8Array.of(1, 2, 3), 1);
    assembler.dataAddress(data);
    assembler.data(Uint8Array.of(4), 1);
    assembler.data(new Uint8Array(0), 64);
    assembler.place(data);
    assembler.data(Uint8Array.of(5, 6), 1);
    const code = assembler.finish(0x12_3456_0000n);
    const callBytes = architecture === "x86-64" ? 2 : 4;
    expect([...code.subarray(callBytes, callBytes + 3)]).toEqual([1, 2, 3]);
    expect(new DataView(code.buffer).getBigUint64(8, true)).toBe(0x12_3456_0040n);
    expect(code[16]).toBe(4);
    expect([...code.subarray(64)]).toEqual([5, 6]);
  });

  it("refuses labels that are not placed, or twice", () => {
    const assembler = target.make();
    const label = assembler.label("somewhere");
    assembler.jump(label);
    expect(() => assembler.finish(0n)).toThrow(new RangeError("label somewhere is not placed"));
    assembler.place(label);
    expect(() => assembler.place(label)).toThrow(new RangeError("label somewhere is placed twice"));
  });

  it.each([4096, -4096, 2 ** 31, 0.5, Number.NaN])("refuses to add the constant %s", (value) => {
    expect(() => target.make().addConstant("arg0", value)).toThrow(new RangeError(`a constant of ${value}`));
  });
});

describe("the aarch64 assembler's reach", () => {
  const INSTRUCTION_BYTES = 4;

  /** A reference, `instructions` of filler, and the label; or the label first. */
  function refer(forward: boolean, distanceBytes: number, emit: (assembler: Assembler, label: Label) => void) {
    const assembler = new Aarch64Assembler();
    const label = assembler.label("far");
    if (!forward) assembler.place(label);
    if (forward) emit(assembler, label);
    assembler.data(new Uint8Array(forward ? distanceBytes - INSTRUCTION_BYTES : distanceBytes), 1);
    if (forward) assembler.place(label);
    else emit(assembler, label);
    return assembler.finish(0n);
  }

  it("ends conditional branches at 1 MiB", () => {
    const branch = (assembler: Assembler, label: Label) => assembler.branch("equal", label);
    expect(() => refer(true, 2 ** 20 - 4, branch)).not.toThrow();
    expect(() => refer(true, 2 ** 20, branch)).toThrow(new RangeError(`a branch of ${2 ** 18} instructions`));
    expect(() => refer(false, 2 ** 20, branch)).not.toThrow();
    expect(() => refer(false, 2 ** 20 + 4, branch)).toThrow(RangeError);
  });

  it("ends addresses at 1 MiB", () => {
    const address = (assembler: Assembler, label: Label) => assembler.setAddress("arg0", label);
    expect(() => refer(true, 2 ** 20 - 4, address)).not.toThrow();
    expect(() => refer(true, 2 ** 20, address)).toThrow(new RangeError(`an address ${2 ** 20} bytes away`));
    expect(() => refer(false, 2 ** 20 + 4, address)).toThrow(RangeError);
  });

  it.each([
    ["below the base", -8, 8],
    ["that is no multiple of the width", 12, 8],
    ["that does not fit twelve bits", 8 * 4096, 8],
  ] as const)("refuses an offset %s", (_, offset, width) => {
    const error = new RangeError(`an offset of ${offset}`);
    expect(() => new Aarch64Assembler().load("arg0", "arg1", offset, width)).toThrow(error);
    expect(() => new Aarch64Assembler().store("arg0", "arg1", offset, width)).toThrow(error);
  });
});
