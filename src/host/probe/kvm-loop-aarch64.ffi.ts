import { bytesOf, type KvmMachine, type LoopGuest } from "./kvm-machine.ffi.ts";

/* Requests and layouts: Linux, include/uapi/linux/kvm.h and arch/arm64/include/uapi/asm/kvm.h. */
const KVM_ARM_PREFERRED_TARGET = 0x8020aeaf;
const KVM_ARM_VCPU_INIT = 0x4020aeae;
const KVM_SET_ONE_REG = 0x4010aeac;
const KVM_CAP_ARM_VM_IPA_SIZE = 165;
const KVM_EXIT_MMIO = 6;

/** struct kvm_vcpu_init: target (u32), features (7 of u32). */
const VCPU_INIT_BYTES = 32;
/** Registers of struct kvm_regs for KVM_SET_ONE_REG: KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / 4. */
const CORE_REGISTER = 0x6030_0000_0010_0000n;
const X0 = CORE_REGISTER;
const X1 = CORE_REGISTER + 2n;
const PC = CORE_REGISTER + 64n;

/** Guest addresses of a machine of type 0 have 40 bits; a host with fewer must be asked for no more than it has. */
const IPA_BITS_DEFAULT = 40;
/** Far above the guest's only page, so that a store there leaves the guest. */
const MMIO_ADDRESS = 0x1000_0000n;

/** The loop at EL1 with the MMU off, as KVM_ARM_VCPU_INIT leaves a vCPU. */
export const AARCH64_LOOP: LoopGuest = {
  code: instructions(
    0xf1000400, // subs x0, x0, #1
    0x54ffffe1, // b.ne -4
    0xb900003f, // str wzr, [x1]
    0x17fffffd, // b -12
  ),
  exitReason: KVM_EXIT_MMIO,
  machineType(device) {
    const ipaBits = device.capability(KVM_CAP_ARM_VM_IPA_SIZE);
    return ipaBits > 0 && ipaBits < IPA_BITS_DEFAULT ? BigInt(ipaBits) : 0n;
  },
  prepare(machine) {
    const init = new DataView(new ArrayBuffer(VCPU_INIT_BYTES));
    machine.tellMachine("KVM_ARM_PREFERRED_TARGET", KVM_ARM_PREFERRED_TARGET, bytesOf(init));
    machine.tellVcpu("KVM_ARM_VCPU_INIT", KVM_ARM_VCPU_INIT, bytesOf(init));
    setRegister(machine, PC, 0n);
    setRegister(machine, X1, MMIO_ADDRESS);
  },
  begin(machine, rounds) {
    // The program counter is left alone: the next KVM_RUN first completes the store of the last one, which moves it on.
    setRegister(machine, X0, BigInt(rounds));
  },
};

function instructions(...words: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * words.length));
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true);
  return bytesOf(view);
}

/** struct kvm_one_reg: id (u64), address of the value (u64). */
function setRegister(machine: KvmMachine, id: bigint, value: bigint): void {
  const register = new DataView(new ArrayBuffer(16));
  register.setBigUint64(0, id, true);
  register.setBigUint64(8, machine.place(value), true);
  machine.tellVcpu("KVM_SET_ONE_REG", KVM_SET_ONE_REG, bytesOf(register));
}
