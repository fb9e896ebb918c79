/* Requests and layouts of KVM: Linux, include/uapi/linux/kvm.h; their meaning: Documentation/virt/kvm/api.rst. */

export const KVM_API_VERSION = 12;

/** Requests that take a number. */
export const ASK = {
  KVM_GET_API_VERSION: 0xae00,
  KVM_CREATE_VM: 0xae01,
  KVM_CHECK_EXTENSION: 0xae03,
  KVM_GET_VCPU_MMAP_SIZE: 0xae04,
  KVM_CREATE_VCPU: 0xae41,
  KVM_GET_TSC_KHZ: 0xaea3,
} as const;

/** Requests that take the address of a structure. */
export const TELL = {
  KVM_GET_SUPPORTED_CPUID: 0xc008ae05,
  KVM_SET_USER_MEMORY_REGION: 0x4020ae46,
  KVM_IOEVENTFD: 0x4040ae79,
  KVM_ENABLE_CAP: 0x4068aea3,
  KVM_GET_REGS: 0x8090ae81,
  KVM_SET_REGS: 0x4090ae82,
  KVM_GET_SREGS: 0x8138ae83,
  KVM_SET_SREGS: 0x4138ae84,
  KVM_GET_FPU: 0x81a0ae8c,
  KVM_SET_SIGNAL_MASK: 0x4004ae8b,
  KVM_SET_CPUID2: 0x4008ae90,
  /** Of x86-64 and of AArch64, whose structures differ in size. */
  KVM_SET_GUEST_DEBUG: 0x4048ae9b,
  KVM_SET_GUEST_DEBUG_ARM: 0x4208ae9b,
  KVM_GET_ONE_REG: 0x4010aeab,
  KVM_SET_ONE_REG: 0x4010aeac,
  KVM_ARM_VCPU_INIT: 0x4020aeae,
  KVM_ARM_PREFERRED_TARGET: 0x8020aeaf,
} as const;

export const KVM_RUN = 0xae80;

export const CAPABILITY = {
  KVM_CAP_USER_MEMORY: 3,
  KVM_CAP_SET_GUEST_DEBUG: 23,
  KVM_CAP_IOEVENTFD: 36,
  KVM_CAP_GET_TSC_KHZ: 61,
  KVM_CAP_ONE_REG: 70,
  KVM_CAP_READONLY_MEM: 81,
  KVM_CAP_GUEST_DEBUG_HW_BPS: 119,
  KVM_CAP_GUEST_DEBUG_HW_WPS: 120,
  KVM_CAP_IMMEDIATE_EXIT: 136,
  KVM_CAP_ARM_VM_IPA_SIZE: 165,
  KVM_CAP_ARM_NISV_TO_USER: 177,
} as const;

/** Offsets in `struct kvm_run`. */
export const RUN = {
  immediateExit: 1,
  exitReason: 8,
  /** Where the exit's own fields begin. */
  exit: 32,
} as const;

export const EXIT = {
  io: 2,
  debug: 4,
  halt: 5,
  mmio: 6,
  shutdown: 8,
  failEntry: 9,
  internalError: 17,
  systemEvent: 24,
  armNoSyndrome: 28,
} as const;

/** Offsets from `RUN.exit`. */
export const EXIT_IO = { directionAndSize: 0, port: 2, count: 4, dataOffset: 8 } as const;
export const EXIT_MMIO = { address: 0, data: 8, length: 16, isWrite: 20 } as const;
export const EXIT_FAIL_ENTRY = { reason: 0 } as const;
export const EXIT_INTERNAL_ERROR = { suberror: 0 } as const;
export const EXIT_NO_SYNDROME = { syndrome: 0, address: 8 } as const;
/** `struct kvm_debug_exit_arch` of x86-64 (arch/x86/include/uapi/asm/kvm.h) and of AArch64 (arch/arm64/…). */
export const EXIT_DEBUG_X86 = { exception: 0, dr6: 16 } as const;
export const EXIT_DEBUG_ARM = { syndrome: 0, address: 8 } as const;

/** `control` of `struct kvm_guest_debug`; the bits from 16 on are the architecture's. */
export const GUEST_DEBUG = {
  enable: 1,
  step: 2,
  breakpointInstruction: 1 << 16,
  hardware: 1 << 17,
} as const;
