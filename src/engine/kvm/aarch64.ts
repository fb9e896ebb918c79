/** An AArch64 vCPU at EL1, as a guest of the `hvt` ABI finds it. */
import { HYPERCALL_WINDOW } from "../../abi/hvt.ts";
import { DOORBELL_ADDRESS } from "../../abi/hvt-ring.ts";
import { HostError } from "../../host/error.ts";
import { AARCH64_TABLES, MAIR } from "../../memory/page-table/aarch64.ts";
import type { DebugControl, DebugHit, DebugLimits, GuestFault, GuestStart, Registers } from "../engine.ts";
import {
  describeException,
  FREQUENCY_PROGRAM_ADDRESS,
  VECTORS_ADDRESS,
  vectorOf,
  writeHandlers,
} from "../guest/handlers-aarch64.ts";
import { CPACR_FLOATING_POINT, PSTATE_START, SCTLR_ON, STACK_GAP_BYTES, TCR } from "../guest/registers-aarch64.ts";
import { HANDLERS_MAPPING, hypercallNumber, STORE_BYTES, WINDOW_MAPPING } from "../guest/window-aarch64.ts";
import { debugHit, debugLimits, guestDebug } from "./debug-aarch64.ts";
import { describeExit } from "./exit.ts";
import type { KvmVcpu } from "./kvm.ffi.ts";
import { EXIT, EXIT_MMIO, EXIT_NO_SYNDROME, RUN } from "./numbers.ts";
import type { Architecture, Processor, ProcessorParts } from "./processor.ts";

/** Linux arch/arm64/include/uapi/asm/kvm.h: KVM_REG_ARM64 | KVM_REG_SIZE_U64, and the two kinds of registers. */
const REGISTER_64 = 0x6030_0000_0000_0000n;
/** By the offset in `struct kvm_regs`, in words of 32 bits. */
const core = (offset: number): bigint => REGISTER_64 | 0x0010_0000n | BigInt(offset / 4);
const system = (op0: number, op1: number, crn: number, crm: number, op2: number): bigint =>
  REGISTER_64 | 0x0013_0000n | BigInt((op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2);

export const REGISTER = {
  x: (number: number): bigint => core(8 * number),
  pc: core(256),
  pstate: core(264),
  spEl1: core(272),
  elrEl1: core(280),
  spsrEl1: core(288),
  sctlr: system(3, 0, 1, 0, 0),
  cpacr: system(3, 0, 1, 0, 2),
  ttbr0: system(3, 0, 2, 0, 0),
  tcr: system(3, 0, 2, 0, 2),
  esr: system(3, 0, 5, 2, 0),
  far: system(3, 0, 6, 0, 0),
  mair: system(3, 0, 10, 2, 0),
  vbar: system(3, 0, 12, 0, 0),
  tpidrEl1: system(3, 0, 13, 0, 4),
} as const;

const X_REGISTERS = 31;
/** Floating point: 32 registers of 128 bits, and two of 32 (`struct user_fpsimd_state`, which is aligned to 16 bytes). */
const V_REGISTERS = 32;
const V_OFFSET = 336;
const FPSR_OFFSET = V_OFFSET + V_REGISTERS * 16;
const REGISTER_128 = 0x6040_0000_0010_0000n;
const REGISTER_32 = 0x6020_0000_0010_0000n;

const FLOATING_POINT: readonly (readonly [string, bigint])[] = [
  ...Array.from({ length: V_REGISTERS }, (_, number) => {
    return [`v${number}`, REGISTER_128 | BigInt((V_OFFSET + 16 * number) / 4)] as const;
  }),
  ["fpsr", REGISTER_32 | BigInt(FPSR_OFFSET / 4)],
  ["fpcr", REGISTER_32 | BigInt(FPSR_OFFSET / 4 + 1)],
];

/** `struct kvm_vcpu_init`: target and features. */
const VCPU_INIT_BYTES = 32;
/** Guest addresses of a machine of type 0 have 40 bits; a host with fewer must be asked for no more than it has. */
const MACHINE_ADDRESS_BITS = 40;

const EINTR = 4;

export const AARCH64: Architecture = {
  tables: AARCH64_TABLES,
  mappingsBelow: [HANDLERS_MAPPING],
  mappingsAbove: [WINDOW_MAPPING],
  doorbell: { address: DOORBELL_ADDRESS, isPort: false },
  machineType(kvm) {
    const bits = kvm.capability("KVM_CAP_ARM_VM_IPA_SIZE");
    return bits > 0 && bits < MACHINE_ADDRESS_BITS ? bits : 0;
  },
  makeProcessor: (parts) => new ArmProcessor(parts),
};

class ArmProcessor implements Processor {
  readonly counterHz: number;
  hypercallPointer = 0;
  readonly #vcpu: KvmVcpu;
  readonly #run: DataView;
  readonly debugLimits: DebugLimits;
  #control: DebugControl | undefined;

  constructor({ kvm, machine, vcpu, memory }: ProcessorParts) {
    this.#vcpu = vcpu;
    this.#run = vcpu.run;
    this.debugLimits = debugLimits(kvm);
    if (kvm.capability("KVM_CAP_ARM_NISV_TO_USER") > 0) machine.enable("KVM_CAP_ARM_NISV_TO_USER");
    const init = new Uint8Array(VCPU_INIT_BYTES);
    machine.tell("KVM_ARM_PREFERRED_TARGET", init);
    vcpu.tell("KVM_ARM_VCPU_INIT", init);
    writeHandlers(memory);
    this.counterHz = this.#readFrequency();
  }

  start({ entry, stackPointer, argument }: GuestStart, tables: number): void {
    const set = (register: bigint, value: bigint | number) => this.#vcpu.setRegister(register, BigInt(value));
    set(REGISTER.mair, MAIR);
    set(REGISTER.tcr, TCR);
    set(REGISTER.ttbr0, tables);
    set(REGISTER.vbar, VECTORS_ADDRESS);
    set(REGISTER.cpacr, this.#vcpu.getRegister(REGISTER.cpacr) | CPACR_FLOATING_POINT);
    set(REGISTER.sctlr, this.#vcpu.getRegister(REGISTER.sctlr) | SCTLR_ON);
    set(REGISTER.pstate, PSTATE_START);
    set(REGISTER.spEl1, stackPointer - STACK_GAP_BYTES);
    set(REGISTER.x(0), argument);
    set(REGISTER.x(1), 0);
    set(REGISTER.pc, entry);
  }

  hypercallNumber(): number {
    const run = this.#run;
    if (run.getUint32(RUN.exitReason, true) !== EXIT.mmio) return -1;
    // Below 2^53 in every stage 2.
    const address = run.getUint32(RUN.exit + 4, true) * 2 ** 32 + run.getUint32(RUN.exit, true);
    const number = hypercallNumber(address);
    if (number === undefined || !this.#isStore()) return -1;
    this.hypercallPointer = run.getUint32(RUN.exit + EXIT_MMIO.data, true);
    return number;
  }

  fault(): GuestFault {
    const run = this.#run;
    const reason = run.getUint32(RUN.exitReason, true);
    const vector = this.#vector();
    if (vector !== undefined) {
      return describeException(vector, {
        syndrome: this.#vcpu.getRegister(REGISTER.esr),
        address: this.#vcpu.getRegister(REGISTER.far),
        pc: this.#vcpu.getRegister(REGISTER.elrEl1),
      });
    }
    if (reason === EXIT.armNoSyndrome) {
      return {
        what: "an access outside its memory",
        address: run.getBigUint64(RUN.exit + EXIT_NO_SYNDROME.address, true),
        pc: this.pc(),
      };
    }
    return { ...describeExit(run), pc: this.pc() };
  }

  pc(): bigint {
    return this.#vcpu.getRegister(REGISTER.pc);
  }

  registers(): Registers {
    const read = (register: bigint) => this.#vcpu.getRegister(register);
    const registers = new Map<string, bigint>();
    for (let number = 0; number < X_REGISTERS; number++) registers.set(`x${number}`, read(REGISTER.x(number)));
    registers.set("sp", read(REGISTER.spEl1));
    registers.set("pc", read(REGISTER.pc));
    registers.set("pstate", read(REGISTER.pstate));
    for (const [name, id] of FLOATING_POINT) registers.set(name, this.#vcpu.getWideRegister(id));
    if (this.#vector() === undefined) return registers;
    registers.set("x0", read(REGISTER.tpidrEl1));
    registers.set("pc", read(REGISTER.elrEl1));
    return registers.set("pstate", read(REGISTER.spsrEl1));
  }

  setRegisters(registers: Registers): void {
    for (const [name, value] of registers) {
      const number = /^x([0-9]+)$/.exec(name)?.[1];
      if (number !== undefined) this.#vcpu.setRegister(REGISTER.x(Number(number)), value);
      else if (name === "sp") this.#vcpu.setRegister(REGISTER.spEl1, value);
      else if (name === "pc" || name === "pstate") this.#vcpu.setRegister(REGISTER[name], value);
    }
  }

  debug(control: DebugControl): void {
    this.#vcpu.tell("KVM_SET_GUEST_DEBUG_ARM", guestDebug(control));
    this.#control = control;
  }

  debugHit(): DebugHit {
    return debugHit(this.#run, this.#control?.hardware ?? []);
  }

  /** The engine's own vector that ended the run; undefined where none did. */
  #vector(): number | undefined {
    if (this.#run.getUint32(RUN.exitReason, true) !== EXIT.mmio || !this.#isStore()) return undefined;
    return vectorOf(this.#run.getBigUint64(RUN.exit + EXIT_MMIO.address, true));
  }

  #isStore(): boolean {
    const run = this.#run;
    return (
      run.getUint8(RUN.exit + EXIT_MMIO.isWrite) === 1 &&
      run.getUint32(RUN.exit + EXIT_MMIO.length, true) === STORE_BYTES
    );
  }

  /** No register of KVM's has it, and Node cannot read it: a guest of three instructions tells it, with the MMU off. */
  #readFrequency(): number {
    this.#vcpu.setRegister(REGISTER.pstate, PSTATE_START);
    this.#vcpu.setRegister(REGISTER.pc, BigInt(FREQUENCY_PROGRAM_ADDRESS));
    this.#vcpu.setRegister(REGISTER.x(1), BigInt(HYPERCALL_WINDOW));
    let errno = EINTR;
    while (errno === EINTR) errno = this.#vcpu.enter();
    const reason = this.#run.getUint32(RUN.exitReason, true);
    if (errno !== 0 || reason !== EXIT.mmio)
      throw new HostError(`KVM_RUN (exit ${reason})`, errno, "counter's frequency");
    const frequencyHz = this.#run.getUint32(RUN.exit + EXIT_MMIO.data, true);
    this.#vcpu.settle();
    return frequencyHz;
  }
}
