import { HYPERCALL_WINDOW, HYPERCALL_WINDOW_SHIFT } from "../../abi/hvt.ts";
import { DOORBELL_ADDRESS } from "../../abi/hvt-ring.ts";
import { guestAddress } from "../../memory/address.ts";
import { GuestMemory } from "../../memory/guest-memory.ts";
import { AARCH64_TABLES, ADDRESS_BITS, MAIR } from "../../memory/page-table/aarch64.ts";
import { type Mapping, PAGE_BYTES } from "../../memory/page-table/mapping.ts";
import { writePageTables } from "../../memory/page-table/tables.ts";
import type { Engine, EngineStop, GuestFault, GuestStart, HypercallServer, Registers } from "../engine.ts";
import { describeException, VECTORS_ADDRESS, vectorOf, writeHandlers } from "../kvm/handlers-aarch64.ts";
import { HANDLERS_ADDRESS, TABLES_ADDRESS, TABLES_BYTES } from "../kvm/layout.ts";
import { GUEST_ADDRESS } from "./layout.ts";
import { GUEST_BYTES_MAX } from "./processor/memory.ts";
import { type Bus, Processor } from "./processor/processor.ts";

/** Of the counter that the guest reads. */
const COUNTER_HZ = 62_500_000;
/** Branches backwards between two looks at the clock: well below a millisecond. */
const TURN_BRANCHES = 20_000;
/** EL1 with its own stack pointer, everything masked (Arm ARM, C5.2.19). */
const PSTATE_START = 0x3c5n;
/** MMU, data cache, instruction cache (D17.2.118). */
const SCTLR_ON = (1n << 0n) | (1n << 2n) | (1n << 12n);
/** FP and SIMD do not trap (D17.2.33). */
const CPACR_ON = 3n << 20n;
/** TCR_EL1 (D17.2.131): both halves of `ADDRESS_BITS`, 40 bits of physical address, no walks in the upper half. */
const TCR = BigInt(64 - ADDRESS_BITS) | (BigInt(64 - ADDRESS_BITS) << 16n) | (1n << 23n) | (2n << 30n) | (2n << 32n);
const WINDOW_BYTES = 2 ** 21;
const STORE_BYTES = 4;

const OWN_MAPPINGS: readonly Mapping[] = [
  { start: HANDLERS_ADDRESS, end: guestAddress(HANDLERS_ADDRESS + PAGE_BYTES), access: "read-execute" },
  { start: guestAddress(HYPERCALL_WINDOW), end: guestAddress(HYPERCALL_WINDOW + WINDOW_BYTES), access: "device" },
];

const SERVED: EngineStop = { type: "served" };
const INTERRUPTED: EngineStop = { type: "interrupted" };

/** Monotonic, in nanoseconds. */
const monotonicNs = () => performance.now() * 1e6;

/** Runs an AArch64 guest on any host, by interpreting its instructions. */
export class EmulatorEngine implements Engine {
  readonly memory: GuestMemory;
  readonly counterHz = COUNTER_HZ;
  readonly #processor: Processor;
  #server: HypercallServer | undefined;
  #stop: EngineStop | undefined;

  /** @param memoryBytes a multiple of the page. @throws RangeError where it is more than the engine or the host has. */
  constructor(memoryBytes: number) {
    if (memoryBytes > GUEST_BYTES_MAX) {
      throw new RangeError(`the emulator has room for ${Math.floor(GUEST_BYTES_MAX / 2 ** 20)} MiB of guest memory`);
    }
    const bus: Bus = { load: () => undefined, store: (address, bytes, value) => this.#store(address, bytes, value) };
    this.#processor = new Processor(memoryBytes, bus, COUNTER_HZ, monotonicNs);
    const { buffer } = this.#processor.memory.memory;
    this.memory = new GuestMemory(new DataView(buffer, GUEST_ADDRESS, memoryBytes));
    writeHandlers(this.memory);
  }

  start({ entry, stackPointer, argument, mappings }: GuestStart): void {
    const all = [...mappings, ...OWN_MAPPINGS].sort((a, b) => a.start - b.start);
    const area = this.memory.own(TABLES_ADDRESS, TABLES_BYTES);
    const { root } = writePageTables(AARCH64_TABLES, area, all);
    const processor = this.#processor;
    processor.setSystemRegister("mair_el1", MAIR);
    processor.setSystemRegister("tcr_el1", TCR);
    processor.setSystemRegister("ttbr0_el1", BigInt(root));
    processor.setSystemRegister("vbar_el1", BigInt(VECTORS_ADDRESS));
    processor.setSystemRegister("cpacr_el1", CPACR_ON);
    processor.setSystemRegister("sctlr_el1", processor.registers.get("sctlr_el1") | SCTLR_ON);
    processor.pstate = PSTATE_START;
    // A multiple of 16, below the end of memory as upstream has it (AAPCS64, section 6.4.5.1).
    processor.setRegister(31, BigInt(stackPointer - 16));
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
    return new Map([...general, ["sp", processor.getRegister(31)], ["pc", processor.pc], ["pstate", processor.pstate]]);
  }

  close(): void {}

  #store(address: number, bytes: number, value: bigint): "done" | "stop" | undefined {
    if (address < HYPERCALL_WINDOW || bytes !== STORE_BYTES) return this.#fault(address);
    const offset = address - HYPERCALL_WINDOW;
    if (address < DOORBELL_ADDRESS && offset % (1 << HYPERCALL_WINDOW_SHIFT) === 0) {
      if (this.#server?.serve(offset >> HYPERCALL_WINDOW_SHIFT, Number(value)) === true) return "done";
      this.#stop = SERVED;
      return "stop";
    }
    const vector = vectorOf(BigInt(address));
    if (vector === undefined) return this.#fault(address);
    const { registers } = this.#processor;
    return this.#stopFor(
      describeException(vector, {
        syndrome: registers.get("esr_el1"),
        address: registers.get("far_el1"),
        pc: registers.get("elr_el1"),
      }),
    );
  }

  #fault(address: number): "stop" {
    const pc = this.#processor.pcInFlight;
    return this.#stopFor({ what: "an access outside its memory", address: BigInt(address), access: "write", pc });
  }

  #stopFor(fault: GuestFault): "stop" {
    this.#stop = { type: "fault", fault };
    return "stop";
  }
}
