import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { Mapping, TableFormat } from "../../memory/page-table/mapping.ts";
import type { DebugControl, DebugHit, DebugLimits, GuestFault, GuestStart, Registers } from "../engine.ts";
import type { Doorbell, Kvm, KvmMachine, KvmVcpu } from "./kvm.ffi.ts";

/** What the engine needs to know of an architecture. */
export interface Architecture {
  readonly tables: TableFormat;
  /** Pages of the engine's own that the guest is given, in ascending order: those below the image, and those above memory. */
  readonly mappingsBelow: readonly Mapping[];
  readonly mappingsAbove: readonly Mapping[];
  /** Where a 32-bit write rings for the network ring, without an exit where somebody listens. */
  readonly doorbell: Doorbell;
  /** The argument of KVM_CREATE_VM. */
  readonly machineType: (kvm: Kvm) => number;
  /** Makes the vCPU what the guest expects, up to its registers. */
  readonly makeProcessor: (parts: ProcessorParts) => Processor;
}

export interface ProcessorParts {
  readonly kvm: Kvm;
  readonly machine: KvmMachine;
  readonly vcpu: KvmVcpu;
  readonly memory: GuestMemory;
}

/** One architecture's vCPU. */
export interface Processor {
  readonly counterHz: number;
  /** Sets the registers for the guest's first instruction. @param tables where a walk of the page tables begins. */
  start(start: GuestStart, tables: number): void;
  /** After an exit: the hypercall's number, or -1 where it was none; the pointer is `hypercallPointer` then. */
  hypercallNumber(): number;
  readonly hypercallPointer: number;
  /** After an exit that is no hypercall: what the guest did. */
  fault(): GuestFault;
  /** Address of the next instruction. */
  pc(): bigint;
  /** After a run: as the guest left them, not the engine's own handlers. */
  registers(): Registers;
  setRegisters(registers: Registers): void;
  readonly debugLimits: DebugLimits;
  debug(control: DebugControl): void;
  /** After an exit for a debugger. */
  debugHit(): DebugHit;
}
