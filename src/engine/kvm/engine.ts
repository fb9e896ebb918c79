import { HostError } from "../../host/error.ts";
import { type HostMapping, mapGuarded } from "../../host/mapping.ffi.ts";
import { guestAddress, hostAddress } from "../../memory/address.ts";
import { GuestMemory } from "../../memory/guest-memory.ts";
import { writePageTables } from "../../memory/page-table/tables.ts";
import type {
  DebugControl,
  DebugEngine,
  DebugLimits,
  EngineStop,
  GuestStart,
  HypercallServer,
  Registers,
} from "../engine.ts";
import { TABLES_ADDRESS, TABLES_BYTES } from "../guest/layout.ts";
import { syncInstructions } from "./instructions.ffi.ts";
import type { Kvm, KvmMachine, KvmVcpu } from "./kvm.ffi.ts";
import { EXIT, RUN } from "./numbers.ts";
import type { Architecture, Processor } from "./processor.ts";
import { TimeSlice } from "./time-slice.ffi.ts";

// Linux include/uapi/asm-generic/errno-base.h.
const EINTR = 4;
const EAGAIN = 11;
const EFAULT = 14;

const SERVED: EngineStop = { type: "served" };
const INTERRUPTED: EngineStop = { type: "interrupted" };

/** Runs a guest on KVM: one vCPU, one range of memory from address 0 on. */
export class KvmEngine implements DebugEngine {
  readonly memory: GuestMemory;
  readonly #architecture: Architecture;
  readonly #processor: Processor;
  readonly #machine: KvmMachine;
  readonly #vcpu: KvmVcpu;
  readonly #close: () => void;
  #timeSlice: TimeSlice | undefined;

  /**
   * @param kvm stays the caller's.
   * @param memoryBytes a multiple of 1 MiB, at most `MAPPING_BYTES_MAX`.
   * @throws {HostError} naming the call that the host refused; nothing stays behind then.
   */
  constructor(kvm: Kvm, architecture: Architecture, memoryBytes: number) {
    this.#architecture = architecture;
    const releases: (() => void)[] = [];
    this.#close = () => {
      for (let release = releases.pop(); release !== undefined; release = releases.pop()) release();
    };
    try {
      const mapping = mapGuarded(memoryBytes);
      releases.push(mapping.unmap);
      this.memory = new GuestMemory(mapping.view, hostAddress(mapping.address));
      const machine = kvm.createMachine(architecture.machineType(kvm));
      releases.push(() => machine.close());
      this.#machine = machine;
      giveMemory(machine, mapping, memoryBytes);
      this.#vcpu = machine.createVcpu(kvm.runBytes);
      releases.push(() => this.#vcpu.close());
      this.#processor = architecture.makeProcessor({ kvm, machine, vcpu: this.#vcpu, memory: this.memory });
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  get counterHz(): number {
    return this.#processor.counterHz;
  }

  start(start: GuestStart): void {
    const { tables, mappingsBelow, mappingsAbove } = this.#architecture;
    const mappings = [...start.mappings, ...mappingsBelow, ...mappingsAbove].sort((a, b) => a.start - b.start);
    const area = this.memory.own(TABLES_ADDRESS, TABLES_BYTES);
    const { root } = writePageTables(tables, area, mappings);
    this.#processor.start(start, root);
  }

  run(server: HypercallServer, sliceNs?: number): EngineStop {
    if (sliceNs === undefined) return this.#run(server);
    const slice = this.#admittedSlice();
    slice.begin(sliceNs);
    try {
      return this.#run(server);
    } finally {
      slice.end();
    }
  }

  #run(server: HypercallServer): EngineStop {
    const processor = this.#processor;
    for (;;) {
      const errno = this.#vcpu.enter();
      if (errno !== 0) return this.#refused(errno);
      const number = processor.hypercallNumber();
      if (number < 0) return this.#noHypercall();
      if (!server.serve(number, processor.hypercallPointer)) return SERVED;
    }
  }

  /** Has the guest's doorbell signal an event descriptor. @throws {HostError} where the host's KVM cannot. */
  addDoorbell(descriptor: number): void {
    this.#machine.signalOnWrite(this.#architecture.doorbell, descriptor);
  }

  /** This thread, which runs the guest: `interrupt` ends the run that it is in, or its next one. */
  get interruptibleThread(): number {
    return this.#admittedSlice().thread;
  }

  #admittedSlice(): TimeSlice {
    if (this.#timeSlice === undefined) {
      this.#timeSlice = TimeSlice.ofThisThread();
      this.#timeSlice.admit(this.#vcpu);
    }
    return this.#timeSlice;
  }

  #noHypercall(): EngineStop {
    const isDebug = this.#vcpu.run.getUint32(RUN.exitReason, true) === EXIT.debug;
    return isDebug
      ? { type: "debug", hit: this.#processor.debugHit() }
      : { type: "fault", fault: this.#processor.fault() };
  }

  pc(): bigint {
    return this.#processor.pc();
  }

  registers(): Registers {
    return this.#processor.registers();
  }

  get debugLimits(): DebugLimits {
    return this.#processor.debugLimits;
  }

  settle(): void {
    this.#vcpu.settle();
  }

  setRegisters(registers: Registers): void {
    this.#processor.setRegisters(registers);
  }

  debug(control: DebugControl): void {
    this.#processor.debug(control);
  }

  instructionsWritten(address: number, bytes: number): void {
    const { hostAddress: at } = this.memory.own(guestAddress(address), bytes);
    if (at !== undefined) syncInstructions(at, bytes);
  }

  close(): void {
    this.#close();
  }

  #refused(errno: number): EngineStop {
    if (errno === EINTR || errno === EAGAIN) return INTERRUPTED;
    // The host could not give the guest a page of its memory.
    if (errno === EFAULT)
      return { type: "fault", fault: { what: "a host/guest translation fault", pc: this.#processor.pc() } };
    throw new HostError("KVM_RUN", errno, "/dev/kvm");
  }
}

function giveMemory(machine: KvmMachine, { address }: HostMapping, bytes: number): void {
  machine.setMemory({ slot: 0, guestAddress: guestAddress(0), bytes, hostAddress: address });
}
