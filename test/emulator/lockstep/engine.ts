/** An engine that runs its guest twice: with all of its code translated, and in the interpreter alone. */
import { EmulatorEngine } from "../../../src/engine/emulator/engine.ts";
import type { Translation } from "../../../src/engine/emulator/processor/processor.ts";
import type { Engine, EngineStop, GuestStart, HypercallServer, Registers } from "../../../src/engine/engine.ts";
import type { GuestMemory } from "../../../src/memory/guest-memory.ts";
import { Lockstep, type Watch } from "./lockstep.ts";
import { clockOf, EngineSide } from "./side.ts";

/** Instructions to the next comparison: few at first, then a part of those that were run. */
const FIRST_INSTRUCTIONS = 2000;
const SHARE = 20;

function makeSide(memoryBytes: number, translation: Translation): EngineSide {
  let engine: EmulatorEngine | undefined;
  const nowNs = clockOf(() => engine);
  engine = new EmulatorEngine(memoryBytes, undefined, { translation, counts: true, nowNs });
  return new EngineSide(engine);
}

export class LockstepEngine implements Engine {
  readonly memory: GuestMemory;
  readonly counterHz: number;
  readonly #translated: EngineSide;
  readonly #interpreted: EngineSide;
  readonly #lockstep: Lockstep;

  /** @param translation of the machine that is compared with the interpreter. */
  constructor(memoryBytes: number, translation: Translation, watch?: Watch) {
    this.#translated = makeSide(memoryBytes, translation);
    this.#interpreted = makeSide(memoryBytes, "none");
    this.#lockstep = new Lockstep(this.#translated, this.#interpreted, watch);
    this.memory = this.#translated.engine.memory;
    this.counterHz = this.#translated.engine.counterHz;
  }

  get comparisons(): number {
    return this.#lockstep.comparisons;
  }

  get count(): number {
    return this.#lockstep.count;
  }

  start(start: GuestStart): void {
    this.#translated.engine.start(start);
    this.#interpreted.engine.start(start);
  }

  instructionsWritten(address: number, bytes: number): void {
    for (const { engine } of this.#sides) engine.instructionsWritten(address, bytes);
  }

  /** Without slices: each run goes on to the guest's next stop. */
  run(server: HypercallServer): EngineStop {
    for (;;) {
      // What the host wrote since, into the memory that it knows.
      this.#interpreted.memory.set(this.#translated.memory);
      this.#lockstep.advance(Math.max(FIRST_INSTRUCTIONS, Math.floor(this.count / SHARE)));
      const { hypercall, fault } = this.#translated;
      if (fault !== undefined) return fault;
      if (hypercall === undefined) continue;
      for (const side of this.#sides) side.hypercall = undefined;
      if (!server.serve(hypercall.number, hypercall.pointer)) return { type: "served" };
    }
  }

  pc(): bigint {
    return this.#translated.engine.pc();
  }

  registers(): Registers {
    return this.#translated.engine.registers();
  }

  close(): void {
    for (const { engine } of this.#sides) engine.close();
  }

  get #sides(): readonly EngineSide[] {
    return [this.#translated, this.#interpreted];
  }
}
