import { hostAddress } from "../../memory/address.ts";
import { GuestMemory } from "../../memory/guest-memory.ts";
import { AARCH64_TABLES, MAIR } from "../../memory/page-table/aarch64.ts";
import { writePageTables } from "../../memory/page-table/tables.ts";
import type { Engine, EngineStop, GuestFault, GuestStart, HypercallServer, Registers } from "../engine.ts";
import { describeException, VECTORS_ADDRESS, vectorOf, writeHandlers } from "../guest/handlers-aarch64.ts";
import { TABLES_ADDRESS, TABLES_BYTES } from "../guest/layout.ts";
import { CPACR_FLOATING_POINT, PSTATE_START, SCTLR_ON, STACK_GAP_BYTES, TCR } from "../guest/registers-aarch64.ts";
import { HANDLERS_MAPPING, hypercallNumber, STORE_BYTES, WINDOW_MAPPING } from "../guest/window-aarch64.ts";
import { GUEST_ADDRESS } from "./layout.ts";
import { GUEST_BYTES_MAX } from "./processor/memory.ts";
import { type Bus, Processor } from "./processor/processor.ts";

/** Largest guest memory, in bytes: a WebAssembly memory of 4 GiB less what the engine itself needs of it. */
export const EMULATOR_MEMORY_BYTES_MAX = GUEST_BYTES_MAX;

/** Of the counter that the guest reads. */
const COUNTER_HZ = 62_500_000;
/** Branches backwards between two looks at the clock: well below a millisecond. */
const TURN_BRANCHES = 20_000;
const STACK_POINTER = 31;

const SERVED: EngineStop = { type: "served" };
const INTERRUPTED: EngineStop = { type: "interrupted" };

/** Monotonic, in nanoseconds. */
const monotonicNs = () => performance.now() * 1e6;

/** What a host can do with a buffer beyond what JavaScript offers. */
export interface BufferHost {
  /** Where it lies in this process. */
  readonly addressOf: (buffer: ArrayBufferLike) => bigint;
  /** Gives its pages back, whatever still knows the buffer. */
  readonly release: (buffer: ArrayBufferLike) => void;
}

/** Runs an AArch64 guest on any host that runs JavaScript. */
export class EmulatorEngine implements Engine {
  readonly memory: GuestMemory;
  readonly counterHz = COUNTER_HZ;
  readonly #processor: Processor;
  readonly #release: () => void;
  #server: HypercallServer | undefined;
  #stop: EngineStop | undefined;

  /**
   * @param memoryBytes a multiple of the page, at most `EMULATOR_MEMORY_BYTES_MAX`.
   * @throws RangeError where the host has no room for the memory.
   */
  constructor(memoryBytes: number, host?: BufferHost) {
    const bus: Bus = {
      load: (address, bytes) => this.#load(address, bytes),
      store: (address, bytes, value) => this.#store(address, bytes, value),
    };
    this.#processor = new Processor(memoryBytes, bus, COUNTER_HZ, monotonicNs);
    const { buffer } = this.#processor.memory.memory;
    this.#release = () => host?.release(buffer);
    const view = new DataView(buffer, GUEST_ADDRESS, memoryBytes);
    const address = host && hostAddress(host.addressOf(buffer) + BigInt(GUEST_ADDRESS));
    this.memory = new GuestMemory(view, address);
    writeHandlers(this.memory);
  }

  start({ entry, stackPointer, argument, mappings }: GuestStart): void {
    const all = [...mappings, HANDLERS_MAPPING, WINDOW_MAPPING].sort((a, b) => a.start - b.start);
    const area = this.memory.own(TABLES_ADDRESS, TABLES_BYTES);
    const { root } = writePageTables(AARCH64_TABLES, area, all);
    const processor = this.#processor;
    processor.setSystemRegister("mair_el1", MAIR);
    processor.setSystemRegister("tcr_el1", TCR);
    processor.setSystemRegister("ttbr0_el1", BigInt(root));
    processor.setSystemRegister("vbar_el1", BigInt(VECTORS_ADDRESS));
    processor.setSystemRegister("cpacr_el1", CPACR_FLOATING_POINT);
    processor.setSystemRegister("sctlr_el1", processor.registers.get("sctlr_el1") | SCTLR_ON);
    processor.pstate = PSTATE_START;
    processor.setRegister(STACK_POINTER, BigInt(stackPointer - STACK_GAP_BYTES));
    processor.setRegister(0, BigInt(argument));
    processor.pc = BigInt(entry);
  }

  run(server: HypercallServer, sliceNs?: number): EngineStop {
    this.#server = server;
    this.#stop = undefined;
    const end = sliceNs === undefined ? Number.POSITIVE_INFINITY : monotonicNs() + sliceNs;
    for (;;) {
      const reason = this.#processor.run(TURN_BRANCHES);
      if (this.#stop !== undefined) return this.#stop;
      if (reason === "stopped") throw new Error("the processor stopped for nothing");
      if (monotonicNs() >= end) return INTERRUPTED;
    }
  }

  pc(): bigint {
    return this.#processor.pc;
  }

  registers(): Registers {
    const processor = this.#processor;
    const general = Array.from({ length: 31 }, (_, index): [string, bigint] => [
      `x${index}`,
      processor.getRegister(index),
    ]);
    return new Map([
      ...general,
      ["sp", processor.getRegister(STACK_POINTER)],
      ["pc", processor.pc],
      ["pstate", processor.pstate],
    ]);
  }

  close(): void {
    this.#release();
  }

  /** The guest takes an abort, which comes no further than to its next store out here. */
  #load(address: number, bytes: number): undefined {
    this.#fault(address, bytes, "read");
  }

  #store(address: number, bytes: number, value: bigint): "done" | "stop" | undefined {
    if (this.#stop !== undefined) return "stop";
    if (bytes !== STORE_BYTES) return this.#fault(address, bytes, "write");
    const number = hypercallNumber(address);
    if (number !== undefined) {
      if (this.#server?.serve(number, Number(value)) === true) return "done";
      this.#stop = SERVED;
      return "stop";
    }
    const vector = vectorOf(BigInt(address));
    if (vector === undefined) return this.#fault(address, bytes, "write");
    const { registers } = this.#processor;
    return this.#stopFor(
      describeException(vector, {
        syndrome: registers.get("esr_el1"),
        address: registers.get("far_el1"),
        pc: registers.get("elr_el1"),
      }),
    );
  }

  #fault(address: number, bytes: number, access: "read" | "write"): "stop" {
    const what = `an access of ${bytes} bytes outside its memory`;
    return this.#stopFor({ what, address: BigInt(address), access, pc: this.#processor.pcInFlight });
  }

  #stopFor(fault: GuestFault): "stop" {
    this.#stop = { type: "fault", fault };
    return "stop";
  }
}
