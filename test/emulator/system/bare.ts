/** A processor with a few instructions in its memory, for what QEMU does not do or cannot be told. */
import { GUEST_ADDRESS } from "../../../src/engine/emulator/layout.ts";
import { type Bus, Processor, type ProcessorOptions } from "../../../src/engine/emulator/processor/processor.ts";
import { MAIR, PSTATE, SCTLR, TCR } from "./program.ts";

export const MEMORY_BYTES = 2 ** 24;
export const COUNTER_HZ = 1_000_000;
export const VECTORS = 0x1_0000;
export const CODE = 0x8_0000;
const TABLE = 0x1000;
const BLOCK_BYTES = 2 ** 30;
const BRANCH_TO_SELF = 0x1400_0000;
/** Descriptors: accessed, inner shareable; of the first kind of memory or the third. */
const BLOCK = { normal: 0x701n, device: 0x709n, user: 0x741n } as const;
/** The same memory more than once, by the kind of mapping; and what no memory lies behind. */
export const MAPPED = { normal: 0, bus: 1, asDevice: 2, forUser: 3 } as const;
export type Place = keyof typeof MAPPED;

export const addressIn = (place: Place, address: number) => BigInt(MAPPED[place] * BLOCK_BYTES + address);

export interface BareOptions extends ProcessorOptions {
  readonly bus?: Bus;
  readonly nowNs?: () => number;
  readonly pstate?: bigint;
  readonly registers?: readonly bigint[];
  /** Beside MMU and caches. */
  readonly sctlr?: bigint;
}

const NOTHING: Bus = { load: () => undefined, store: () => undefined };

/** At its first instruction; every vector branches to itself. */
export function bareProcessor(words: readonly number[], options: BareOptions = {}): Processor {
  const { bus = NOTHING, nowNs = () => 0, pstate = PSTATE.el1, registers = [], sctlr = 0n } = options;
  const processor = new Processor(MEMORY_BYTES, bus, COUNTER_HZ, nowNs, options);
  const { view } = processor.memory;
  const blocks = [BLOCK.normal, BigInt(BLOCK_BYTES) | BLOCK.device, BLOCK.device, BLOCK.user];
  for (const [index, block] of blocks.entries()) view.setBigUint64(GUEST_ADDRESS + TABLE + 8 * index, block, true);
  for (let vector = 0; vector < 16; vector++) {
    view.setUint32(GUEST_ADDRESS + VECTORS + 0x80 * vector, BRANCH_TO_SELF, true);
  }
  for (const [index, word] of words.entries()) view.setUint32(GUEST_ADDRESS + CODE + 4 * index, word, true);
  processor.setSystemRegister("mair_el1", MAIR);
  processor.setSystemRegister("tcr_el1", TCR);
  processor.setSystemRegister("ttbr0_el1", BigInt(TABLE));
  processor.setSystemRegister("vbar_el1", BigInt(VECTORS));
  processor.setSystemRegister("cpacr_el1", 3n << 20n);
  processor.setSystemRegister("sctlr_el1", SCTLR | sctlr);
  processor.pstate = pstate;
  processor.pc = addressIn((pstate & 4n) === 0n ? "forUser" : "normal", CODE);
  for (const [index, value] of registers.entries()) processor.setRegister(index, value);
  return processor;
}

/** From the vectors, by where an exception comes from. */
export const VECTOR = {
  ownStack: { synchronous: 0x200n, irq: 0x280n, fiq: 0x300n },
  lowerLevel: { synchronous: 0x400n, irq: 0x480n, fiq: 0x500n },
} as const;

export interface Taken {
  /** From the vectors' base; what is below zero or above them is no vector. */
  readonly vector: bigint;
  readonly exceptionClass: number;
  readonly iss: number;
  readonly far: bigint;
  /** From the first instruction, in bytes. */
  readonly elr: bigint;
}

/** Runs to the first exception. */
export function taken(processor: Processor): Taken {
  const start = processor.pc;
  processor.run(100);
  const { registers } = processor;
  const esr = registers.get("esr_el1");
  return {
    vector: processor.pc - BigInt(VECTORS),
    exceptionClass: Number(esr >> 26n),
    iss: Number(esr & 0x1ff_ffffn),
    far: registers.get("far_el1"),
    elr: registers.get("elr_el1") - start,
  };
}
