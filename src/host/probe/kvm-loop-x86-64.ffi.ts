import { bytesOf, type LoopGuest } from "./kvm-machine.ffi.ts";

/* Requests and layouts: Linux, include/uapi/linux/kvm.h and arch/x86/include/uapi/asm/kvm.h. */
const KVM_SET_TSS_ADDR = 0xae47;
const KVM_SET_REGS = 0x4090ae82;
const KVM_GET_SREGS = 0x8138ae83;
const KVM_SET_SREGS = 0x4138ae84;
const KVM_CAP_SET_TSS_ADDR = 4;
const KVM_EXIT_HLT = 5;

/** struct kvm_regs: 18 words of 64 bits. */
const REGS_BYTES = 144;
const REGS_RCX = 16;
const REGS_RFLAGS = 136;
/** The bit of RFLAGS that always reads as one (Intel SDM volume 1, section 3.4.3). */
const RFLAGS_RESERVED = 2n;
/** struct kvm_sregs; it begins with the code segment: base (u64), limit (u32), selector (u16). */
const SREGS_BYTES = 312;
const SREGS_CS_BASE = 0;
const SREGS_CS_SELECTOR = 12;
/** Three pages below 4 GiB where a real-mode guest has nothing: old Intel processors need them for a task state segment. */
const TSS_ADDRESS = 0xfffbd000n;

/** The loop in real mode, as a vCPU is after reset: nothing but the code segment has to be set. */
export const X86_64_LOOP: LoopGuest = {
  code: Uint8Array.of(
    ...[0x66, 0x49], // dec ecx
    ...[0x75, 0xfc], // jnz -4
    0xf4, // hlt
    ...[0xeb, 0xf9], // jmp -7
  ),
  exitReason: KVM_EXIT_HLT,
  machineType: () => 0n,
  prepare(machine) {
    if (machine.device.capability(KVM_CAP_SET_TSS_ADDR) > 0) {
      machine.tellMachine("KVM_SET_TSS_ADDR", KVM_SET_TSS_ADDR, TSS_ADDRESS);
    }
    const sregs = new DataView(new ArrayBuffer(SREGS_BYTES));
    machine.tellVcpu("KVM_GET_SREGS", KVM_GET_SREGS, bytesOf(sregs));
    sregs.setBigUint64(SREGS_CS_BASE, 0n, true);
    sregs.setUint16(SREGS_CS_SELECTOR, 0, true);
    machine.tellVcpu("KVM_SET_SREGS", KVM_SET_SREGS, bytesOf(sregs));
  },
  begin(machine, rounds) {
    const regs = new DataView(new ArrayBuffer(REGS_BYTES));
    regs.setBigUint64(REGS_RCX, BigInt(rounds), true);
    regs.setBigUint64(REGS_RFLAGS, RFLAGS_RESERVED, true);
    machine.tellVcpu("KVM_SET_REGS", KVM_SET_REGS, bytesOf(regs));
  },
};
