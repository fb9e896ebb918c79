/** Two machines that run the same guest, and are compared wherever the translated one stops. */
import { disassemble } from "../../../src/engine/emulator/instruction/disassemble.ts";
import type { Side } from "./side.ts";

/** Closer than this a side goes instruction by instruction. */
const NEAR_INSTRUCTIONS = 200;

/** What to look after while the interpreter goes instruction by instruction, from a count of instructions on. */
export interface Watch {
  readonly from: number;
  readonly registers: readonly string[];
  readonly addresses: readonly number[];
}

export class Divergence extends Error {
  readonly watch: Watch;

  constructor(message: string, watch: Watch) {
    super(message);
    this.watch = watch;
  }
}

const MAX_ADDRESSES = 8;

export class Lockstep {
  /** Comparisons so far. */
  comparisons = 0;
  readonly #translated: Side;
  readonly #interpreted: Side;
  readonly #watch: Watch | undefined;
  /** By what is watched: the instruction that changed it last in the interpreter. */
  readonly #writers = new Map<string, { readonly count: number; readonly text: string }>();
  /** Where the two were last the same. */
  #same = 0;

  constructor(translated: Side, interpreted: Side, watch?: Watch) {
    this.#translated = translated;
    this.#interpreted = interpreted;
    this.#watch = watch;
  }

  get count(): number {
    return this.#translated.count;
  }

  /**
   * Runs the translated machine, about so many instructions at least, and the interpreter as far; compares them.
   * @throws Divergence where they differ.
   */
  advance(instructions: number): void {
    const [translated, interpreted] = [this.#translated, this.#interpreted];
    translated.run(instructions);
    // The interpreter runs more than was asked for, too: then the other catches up by single instructions.
    while (translated.count !== interpreted.count) {
      const [behind, ahead] =
        translated.count < interpreted.count ? [translated, interpreted] : [interpreted, translated];
      if (behind.end !== undefined) break;
      const missing = ahead.count - behind.count;
      if (behind === interpreted && this.#isWatched) this.#stepWatched();
      else if (missing > NEAR_INSTRUCTIONS && behind === interpreted) behind.run(missing - NEAR_INSTRUCTIONS);
      else behind.step();
    }
    this.#compare();
  }

  get #isWatched(): boolean {
    return this.#watch !== undefined && this.#interpreted.count >= this.#watch.from;
  }

  #stepWatched(): void {
    const side = this.#interpreted;
    const before = this.#watched();
    const { pc, count } = side;
    const view = new DataView(side.memory.buffer, side.memory.byteOffset, side.memory.byteLength);
    const word = pc + 4n <= BigInt(side.memory.length) ? view.getUint32(Number(pc), true) : undefined;
    side.step();
    const text = word === undefined ? "no instruction" : (disassemble(word, Number(pc)) ?? "an undefined instruction");
    for (const [name, value] of this.#watched()) {
      if (before.get(name) !== value) this.#writers.set(name, { count, text: `${text} at 0x${pc.toString(16)}` });
    }
  }

  #watched(): ReadonlyMap<string, bigint | number | undefined> {
    const { registers = [], addresses = [] } = this.#watch ?? {};
    const all = this.#interpreted.registers();
    const values = new Map<string, bigint | number | undefined>();
    for (const name of registers) values.set(name, all.get(name));
    for (const address of addresses) values.set(memoryName(address), this.#interpreted.memory[address]);
    return values;
  }

  #compare(): void {
    this.comparisons++;
    const [translated, interpreted] = [this.#translated, this.#interpreted];
    const [mine, theirs] = [translated.registers(), interpreted.registers()];
    const registers = [...theirs.keys()].filter((name) => mine.get(name) !== theirs.get(name));
    const addresses = differingBytes(translated.memory, interpreted.memory);
    const ways = [
      ...(translated.count === interpreted.count ? [] : [`${translated.count} instructions, ${interpreted.count}`]),
      ...(translated.end === interpreted.end ? [] : [`${translated.end}, ${interpreted.end}`]),
      ...(translated.pc === interpreted.pc ? [] : [`pc ${hex(translated.pc)}, ${hex(interpreted.pc)}`]),
      ...registers.map((name) => `${name} ${hex(mine.get(name))}, ${hex(theirs.get(name))}${this.#writerOf(name)}`),
      ...addresses.map((address) => {
        const name = memoryName(address);
        return `${name} ${translated.memory[address]}, ${interpreted.memory[address]}${this.#writerOf(name)}`;
      }),
    ];
    if (ways.length > 0) {
      const where = `between instructions ${this.#same} and ${interpreted.count}`;
      const text = `translated and interpreted they differ ${where}:\n  ${ways.join("\n  ")}${this.#blame()}`;
      throw new Divergence(text, { from: this.#same, registers, addresses });
    }
    this.#same = translated.count;
  }

  #writerOf(name: string): string {
    const writer = this.#writers.get(name);
    return writer === undefined ? "" : `, which ${writer.text} made`;
  }

  /** The others may differ since this one did. */
  #blame(): string {
    const [first] = [...this.#writers.values()].sort((a, b) => a.count - b.count);
    return first === undefined ? "" : `\nlook first at ${first.text}`;
  }
}

/** Runs a guest; where its two machines differ once more, so that the instruction is named. */
export function inLockstep<Result>(run: (watch: Watch | undefined) => Result): Result {
  try {
    return run(undefined);
  } catch (error) {
    if (error instanceof Divergence) run(error.watch);
    throw error;
  }
}

const hex = (value: bigint | undefined) => (value === undefined ? "nothing" : `0x${value.toString(16)}`);
const memoryName = (address: number) => `memory at 0x${address.toString(16)}`;

function differingBytes(mine: Uint8Array, theirs: Uint8Array): readonly number[] {
  if (Buffer.compare(mine, theirs) === 0) return [];
  const addresses: number[] = [];
  for (let address = 0; address < mine.length && addresses.length < MAX_ADDRESSES; address++) {
    if (mine[address] !== theirs[address]) addresses.push(address);
  }
  return addresses;
}
