/** An x86-64 vCPU in 64-bit mode, as a guest of the `hvt` ABI finds it. */
import { HYPERCALL_PORT } from "../../abi/hvt.ts";
import { DOORBELL_PORT } from "../../abi/hvt-ring.ts";
import { guestAddress } from "../../memory/address.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { PAGE_BYTES } from "../../memory/page-table/mapping.ts";
import { X86_64_TABLES } from "../../memory/page-table/x86-64.ts";
import type { DebugControl, DebugHit, GuestFault, GuestStart, Registers } from "../engine.ts";
import { HANDLER_STACK_ADDRESS, HANDLERS_ADDRESS } from "../guest/layout.ts";
import { DEBUG_LIMITS, debugHit, guestDebug } from "./debug-x86-64.ts";
import { describeExit } from "./exit.ts";
import { FPU_BYTES, floatingPointRegisters } from "./fpu-x86-64.ts";
import {
  FAULT_PORT,
  GDT_TABLE,
  IDT_TABLE,
  readFault,
  readSavedRegisters,
  SELECTOR,
  TASK_ADDRESS,
  TASK_BYTES,
  writeHandlers,
} from "./handlers-x86-64.ts";
import { bytesOf, type Kvm, type KvmVcpu } from "./kvm.ffi.ts";
import { EXIT, EXIT_IO, RUN } from "./numbers.ts";
import type { Architecture, Processor, ProcessorParts } from "./processor.ts";

/** `struct kvm_regs`: 64 bits each, in this order (Linux arch/x86/include/uapi/asm/kvm.h). */
export const REGISTERS = [
  ...["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp"],
  ...["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags"],
] as const;
const REGS_BYTES = REGISTERS.length * 8;
const REGS = { rdi: 5 * 8, rsp: 6 * 8, rip: 16 * 8, rflags: 17 * 8 } as const;

/** `struct kvm_sregs`: eight segments, two tables, control registers. */
const SREGS_BYTES = 312;
const SEGMENT_BYTES = 24;
const SREGS = {
  cs: 0,
  ds: 1 * SEGMENT_BYTES,
  es: 2 * SEGMENT_BYTES,
  fs: 3 * SEGMENT_BYTES,
  gs: 4 * SEGMENT_BYTES,
  ss: 5 * SEGMENT_BYTES,
  tr: 6 * SEGMENT_BYTES,
  ldt: 7 * SEGMENT_BYTES,
  gdt: 8 * SEGMENT_BYTES,
  idt: 8 * SEGMENT_BYTES + 16,
  cr0: 224,
  cr2: 232,
  cr3: 240,
  cr4: 248,
  efer: 264,
} as const;
/** Offsets in `struct kvm_segment`, behind base and limit. */
const SEGMENT = {
  base: 0,
  limit: 8,
  selector: 12,
  type: 14,
  present: 15,
  size: 17,
  system: 18,
  long: 19,
  granularity: 20,
};
const SEGMENT_UNUSABLE = 22;
const SEGMENTS = ["cs", "ss", "ds", "es", "fs", "gs"] as const;

/** Protection, coprocessor monitoring, extension type, native floating-point errors, write protection, paging (Intel SDM volume 3, 2.5). */
const CR0_PAGING = 1n << 31n;
const CR0 = (1n << 0n) | (1n << 1n) | (1n << 4n) | (1n << 5n) | (1n << 16n) | CR0_PAGING;
/** Physical address extension, FXSAVE, SIMD floating-point exceptions. */
const CR4 = (1n << 5n) | (1n << 9n) | (1n << 10n);
/** Long mode enabled and active, no-execute enabled (Intel SDM volume 4, table 2-2, IA32_EFER). */
const EFER = (1n << 8n) | (1n << 10n) | (1n << 11n);
/** The bit that always reads as one (Intel SDM volume 1, section 3.4.3). */
const RFLAGS = 2n;

/** An `out` of 32 bits: direction 1, size 4 (`struct kvm_run`, `io`). */
const OUT_OF_32_BITS = 0x0401;
const CPUID_ENTRIES_MAX = 256;
const CPUID_HEADER_BYTES = 8;
const CPUID_ENTRY_BYTES = 40;

export const X86_64: Architecture = {
  tables: X86_64_TABLES,
  mappingsBelow: [
    { start: HANDLERS_ADDRESS, end: guestAddress(HANDLERS_ADDRESS + PAGE_BYTES), access: "read-execute" },
    { start: HANDLER_STACK_ADDRESS, end: guestAddress(HANDLER_STACK_ADDRESS + PAGE_BYTES), access: "read-write" },
  ],
  mappingsAbove: [],
  doorbell: { address: DOORBELL_PORT, isPort: true },
  machineType: () => 0,
  makeProcessor: (parts) => new X86Processor(parts),
};

class X86Processor implements Processor {
  readonly counterHz: number;
  hypercallPointer = 0;
  readonly #vcpu: KvmVcpu;
  readonly #run: DataView;
  readonly #memory: GuestMemory;
  #control: DebugControl | undefined;

  constructor({ kvm, vcpu, memory }: ProcessorParts) {
    this.#vcpu = vcpu;
    this.#run = vcpu.run;
    this.#memory = memory;
    vcpu.tell("KVM_SET_CPUID2", supportedCpuid(kvm));
    this.counterHz = vcpu.ask("KVM_GET_TSC_KHZ", 0) * 1000;
    writeHandlers(memory);
  }

  start({ entry, stackPointer, argument }: GuestStart, tables: number): void {
    const sregs = this.#sregs();
    for (const name of ["ds", "es", "fs", "gs", "ss"] as const) setSegment(sregs, SREGS[name], DATA_SEGMENT);
    setSegment(sregs, SREGS.cs, CODE_SEGMENT);
    setSegment(sregs, SREGS.tr, TASK_SEGMENT);
    bytesOf(sregs).fill(0, SREGS.ldt, SREGS.ldt + SEGMENT_BYTES);
    sregs.setUint8(SREGS.ldt + SEGMENT_UNUSABLE, 1);
    for (const [table, { base, limit }] of [
      [SREGS.gdt, GDT_TABLE],
      [SREGS.idt, IDT_TABLE],
    ] as const) {
      sregs.setBigUint64(table, BigInt(base), true);
      sregs.setUint16(table + 8, limit, true);
    }
    sregs.setBigUint64(SREGS.cr0, CR0, true);
    sregs.setBigUint64(SREGS.cr3, BigInt(tables), true);
    sregs.setBigUint64(SREGS.cr4, CR4, true);
    sregs.setBigUint64(SREGS.efer, EFER, true);
    this.#vcpu.tell("KVM_SET_SREGS", bytesOf(sregs));

    const regs = new DataView(new ArrayBuffer(REGS_BYTES));
    regs.setBigUint64(REGS.rip, BigInt(entry), true);
    // As after a call: the System V ABI has the stack 8 bytes below a multiple of 16 there (AMD64 supplement, 3.2.2).
    regs.setBigUint64(REGS.rsp, BigInt(stackPointer - 8), true);
    regs.setBigUint64(REGS.rdi, BigInt(argument), true);
    regs.setBigUint64(REGS.rflags, RFLAGS, true);
    this.#vcpu.tell("KVM_SET_REGS", bytesOf(regs));
  }

  hypercallNumber(): number {
    const port = this.#outPort();
    if (port < HYPERCALL_PORT || port >= FAULT_PORT) return -1;
    this.hypercallPointer = this.#outValue();
    return port - HYPERCALL_PORT;
  }

  fault(): GuestFault {
    if (this.#outPort() === FAULT_PORT) return readFault(this.#memory, this.#outValue(), this.#faultAddress());
    const reason = this.#run.getUint32(RUN.exitReason, true);
    if (reason === EXIT.io) {
      const direction = this.#run.getUint8(RUN.exit + EXIT_IO.directionAndSize) === 1 ? "a write to" : "a read of";
      const port = this.#run.getUint16(RUN.exit + EXIT_IO.port, true);
      return { what: `${direction} port 0x${port.toString(16)}, which the ABI has not`, pc: this.pc() };
    }
    if (reason === EXIT.shutdown) {
      return {
        what: "an exception that its own handlers could not take",
        address: this.#faultAddress(),
        pc: this.pc(),
      };
    }
    return { ...describeExit(this.#run), pc: this.pc() };
  }

  pc(): bigint {
    return this.#regs().getBigUint64(REGS.rip, true);
  }

  registers(): Registers {
    const regs = this.#regs();
    const sregs = this.#sregs();
    const registers = new Map<string, bigint>();
    for (const [index, name] of REGISTERS.entries()) registers.set(name, regs.getBigUint64(index * 8, true));
    for (const name of SEGMENTS) {
      registers.set(name, BigInt(sregs.getUint16(SREGS[name] + SEGMENT.selector, true)));
    }
    registers.set("fs_base", sregs.getBigUint64(SREGS.fs, true));
    registers.set("gs_base", sregs.getBigUint64(SREGS.gs, true));
    const fpu = new DataView(new ArrayBuffer(FPU_BYTES));
    this.#vcpu.tell("KVM_GET_FPU", bytesOf(fpu));
    for (const [name, value] of floatingPointRegisters(fpu)) registers.set(name, value);
    if (this.#outPort() !== FAULT_PORT) return registers;
    return new Map([...registers, ...readSavedRegisters(this.#memory, this.#outValue())]);
  }

  setRegisters(registers: Registers): void {
    const regs = this.#regs();
    for (const [index, name] of REGISTERS.entries()) {
      const value = registers.get(name);
      if (value !== undefined) regs.setBigUint64(index * 8, value, true);
    }
    this.#vcpu.tell("KVM_SET_REGS", bytesOf(regs));
    const sregs = this.#sregs();
    for (const name of ["fs", "gs"] as const) {
      const base = registers.get(`${name}_base`);
      if (base !== undefined) sregs.setBigUint64(SREGS[name], base, true);
    }
    this.#vcpu.tell("KVM_SET_SREGS", bytesOf(sregs));
  }

  readonly debugLimits = DEBUG_LIMITS;

  debug(control: DebugControl): void {
    this.#vcpu.tell("KVM_SET_GUEST_DEBUG", guestDebug(control));
    this.#control = control;
  }

  debugHit(): DebugHit {
    return debugHit(this.#run, this.#control?.hardware ?? []);
  }

  #regs(): DataView {
    const regs = new DataView(new ArrayBuffer(REGS_BYTES));
    this.#vcpu.tell("KVM_GET_REGS", bytesOf(regs));
    return regs;
  }

  /** The port of an `out` of 32 bits, once; -1 where the exit was another. */
  #outPort(): number {
    const run = this.#run;
    if (run.getUint32(RUN.exitReason, true) !== EXIT.io || run.getUint32(RUN.exit + EXIT_IO.count, true) !== 1)
      return -1;
    const word = run.getUint32(RUN.exit + EXIT_IO.directionAndSize, true);
    return (word & 0xffff) === OUT_OF_32_BITS ? word >>> 16 : -1;
  }

  #outValue(): number {
    return this.#run.getUint32(this.#run.getUint32(RUN.exit + EXIT_IO.dataOffset, true), true);
  }

  #faultAddress(): bigint {
    return this.#sregs().getBigUint64(SREGS.cr2, true);
  }

  #sregs(): DataView {
    const sregs = new DataView(new ArrayBuffer(SREGS_BYTES));
    this.#vcpu.tell("KVM_GET_SREGS", bytesOf(sregs));
    return sregs;
  }
}

interface SegmentShape {
  readonly base?: number;
  readonly limit: number;
  readonly selector: number;
  readonly type: number;
  readonly system?: boolean;
  readonly long?: boolean;
}

/** Types: execute and read, read and write, both accessed; a busy 64-bit task (Intel SDM volume 3, tables 3-1 and 3-2). */
const CODE_SEGMENT: SegmentShape = { limit: 0xffff_ffff, selector: SELECTOR.code, type: 11, long: true };
const DATA_SEGMENT: SegmentShape = { limit: 0xffff_ffff, selector: SELECTOR.data, type: 3 };
const TASK_SEGMENT: SegmentShape = {
  base: TASK_ADDRESS,
  limit: TASK_BYTES - 1,
  selector: SELECTOR.task,
  type: 11,
  system: true,
};

function setSegment(sregs: DataView, offset: number, shape: SegmentShape): void {
  const { base = 0, limit, selector, type, system = false, long = false } = shape;
  bytesOf(sregs).fill(0, offset, offset + SEGMENT_BYTES);
  sregs.setBigUint64(offset + SEGMENT.base, BigInt(base), true);
  sregs.setUint32(offset + SEGMENT.limit, limit, true);
  sregs.setUint16(offset + SEGMENT.selector, selector, true);
  sregs.setUint8(offset + SEGMENT.type, type);
  sregs.setUint8(offset + SEGMENT.present, 1);
  sregs.setUint8(offset + SEGMENT.size, long || system ? 0 : 1);
  sregs.setUint8(offset + SEGMENT.system, system ? 0 : 1);
  sregs.setUint8(offset + SEGMENT.long, long ? 1 : 0);
  sregs.setUint8(offset + SEGMENT.granularity, system ? 0 : 1);
}

/** All that KVM offers: `struct kvm_cpuid2`. */
function supportedCpuid(kvm: Kvm): Uint8Array {
  const cpuid = new DataView(new ArrayBuffer(CPUID_HEADER_BYTES + CPUID_ENTRIES_MAX * CPUID_ENTRY_BYTES));
  cpuid.setUint32(0, CPUID_ENTRIES_MAX, true);
  kvm.tell("KVM_GET_SUPPORTED_CPUID", bytesOf(cpuid));
  return bytesOf(cpuid);
}
