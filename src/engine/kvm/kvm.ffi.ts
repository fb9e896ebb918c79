/** KVM's descriptors as thin typed calls: only those that the engine needs. */
import { closeSync, constants, openSync } from "node:fs";
import koffi from "koffi";
import { ERRNO } from "../../host/errno.ts";
import { HostError } from "../../host/error.ts";
import { type HostMapping, mapDescriptor } from "../../host/mapping.ffi.ts";
import { ASK, CAPABILITY, KVM_API_VERSION, KVM_RUN, RUN, TELL } from "./numbers.ts";

export const KVM_DEVICE = "/dev/kvm";

const libc = koffi.load(null);
/** An int is koffi's fastest argument; the numbers fit, and a register passes them whole. */
const ask: (descriptor: number, request: number, argument: number) => number = libc.func(
  "int ioctl(int, unsigned int, int)",
);
const tell: (descriptor: number, request: number, argument: bigint | Uint8Array) => number = libc.func(
  "int ioctl(int, unsigned int, void *)",
);

function checked(call: string, result: number): number {
  if (result < 0) throw new HostError(call, koffi.errno(), KVM_DEVICE);
  return result;
}

/** `/dev/kvm`: what this host's KVM offers. */
export class Kvm {
  readonly descriptor: number;
  /** Bytes of `struct kvm_run` and what follows it. */
  readonly runBytes: number;

  private constructor(descriptor: number) {
    this.descriptor = descriptor;
    const version = this.ask("KVM_GET_API_VERSION", 0);
    if (version !== KVM_API_VERSION) {
      throw new RangeError(`${KVM_DEVICE} has API version ${version}, expected ${KVM_API_VERSION}`);
    }
    this.runBytes = this.ask("KVM_GET_VCPU_MMAP_SIZE", 0);
  }

  /** @throws Node's own error where the device cannot be opened; {HostError} or {RangeError} where it is no usable KVM. */
  static open(path: string = KVM_DEVICE): Kvm {
    const descriptor = openSync(path, constants.O_RDWR);
    try {
      return new Kvm(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** What KVM_CHECK_EXTENSION answers: 0 where the capability is missing. */
  capability(name: keyof typeof CAPABILITY): number {
    return this.ask("KVM_CHECK_EXTENSION", CAPABILITY[name]);
  }

  ask(request: keyof typeof ASK, argument: number): number {
    return checked(request, ask(this.descriptor, ASK[request], argument));
  }

  tell(request: keyof typeof TELL, argument: Uint8Array): number {
    return checked(request, tell(this.descriptor, TELL[request], argument));
  }

  /** @param type the argument of KVM_CREATE_VM. */
  createMachine(type: number): KvmMachine {
    return new KvmMachine(this.ask("KVM_CREATE_VM", type));
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** Where a guest's write signals: a port, or an address without memory. */
export interface Doorbell {
  readonly address: number;
  readonly isPort: boolean;
}

/** A virtual machine: memory and a vCPU. */
export class KvmMachine {
  readonly descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  tell(request: keyof typeof TELL, argument: Uint8Array): number {
    return checked(request, tell(this.descriptor, TELL[request], argument));
  }

  /** Turns a capability on: `struct kvm_enable_cap`. */
  enable(name: keyof typeof CAPABILITY): void {
    const argument = new DataView(new ArrayBuffer(104));
    argument.setUint32(0, CAPABILITY[name], true);
    this.tell("KVM_ENABLE_CAP", bytesOf(argument));
  }

  /** Gives the guest memory: `struct kvm_userspace_memory_region`. */
  setMemory(region: {
    readonly slot: number;
    readonly guestAddress: number;
    readonly bytes: number;
    readonly hostAddress: bigint;
    readonly readOnly?: boolean;
  }): void {
    const KVM_MEM_READONLY = 2;
    const argument = new DataView(new ArrayBuffer(32));
    argument.setUint32(0, region.slot, true);
    argument.setUint32(4, region.readOnly ? KVM_MEM_READONLY : 0, true);
    argument.setBigUint64(8, BigInt(region.guestAddress), true);
    argument.setBigUint64(16, BigInt(region.bytes), true);
    argument.setBigUint64(24, region.hostAddress, true);
    this.tell("KVM_SET_USER_MEMORY_REGION", bytesOf(argument));
  }

  /** Has 32-bit writes of the guest there signal an event descriptor, without an exit: `struct kvm_ioeventfd`. */
  signalOnWrite({ address, isPort }: Doorbell, descriptor: number): void {
    const FLAG_PIO = 2;
    const argument = new DataView(new ArrayBuffer(64));
    argument.setBigUint64(8, BigInt(address), true);
    argument.setUint32(16, 4, true);
    argument.setInt32(20, descriptor, true);
    argument.setUint32(24, isPort ? FLAG_PIO : 0, true);
    this.tell("KVM_IOEVENTFD", bytesOf(argument));
  }

  createVcpu(runBytes: number): KvmVcpu {
    const descriptor = checked("KVM_CREATE_VCPU", ask(this.descriptor, ASK.KVM_CREATE_VCPU, 0));
    try {
      return new KvmVcpu(descriptor, mapDescriptor(descriptor, runBytes));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

const REGISTER = { id: 0, address: 1, value: 2 } as const;

/** A virtual processor with `struct kvm_run`, by which it tells its exits. */
export class KvmVcpu {
  readonly descriptor: number;
  /** `struct kvm_run` and what follows it. */
  readonly run: DataView;
  readonly #mapping: HostMapping;
  /** `struct kvm_one_reg`, with the value that it points to behind it. */
  readonly #register = new BigUint64Array(4);
  readonly #registerArgument = new Uint8Array(this.#register.buffer);

  constructor(descriptor: number, mapping: HostMapping) {
    this.descriptor = descriptor;
    this.#mapping = mapping;
    this.run = mapping.view;
    this.#register[REGISTER.address] = koffi.address(this.#register) + BigInt(REGISTER.value * 8);
  }

  /** Runs the guest up to its next exit. @returns 0, or the error number. */
  enter(): number {
    return ask(this.descriptor, KVM_RUN, 0) < 0 ? koffi.errno() : 0;
  }

  /** Lets KVM finish the last exit, and nothing more: it would move the program counter on at the next entry. */
  settle(): void {
    this.run.setUint8(RUN.immediateExit, 1);
    const errno = this.enter();
    this.run.setUint8(RUN.immediateExit, 0);
    if (errno !== ERRNO.EINTR) throw new HostError("KVM_RUN (immediate exit)", errno, KVM_DEVICE);
  }

  ask(request: keyof typeof ASK, argument: number): number {
    return checked(request, ask(this.descriptor, ASK[request], argument));
  }

  tell(request: keyof typeof TELL, argument: Uint8Array): number {
    return checked(request, tell(this.descriptor, TELL[request], argument));
  }

  /** Reads a register of 64 bits by KVM_GET_ONE_REG. */
  getRegister(id: bigint): bigint {
    this.#register[REGISTER.id] = id;
    this.tell("KVM_GET_ONE_REG", this.#registerArgument);
    return this.#register[REGISTER.value] ?? 0n;
  }

  /** Reads a register of any size up to 128 bits. */
  getWideRegister(id: bigint): bigint {
    this.#register.fill(0n, REGISTER.value);
    return this.getRegister(id) | ((this.#register[REGISTER.value + 1] ?? 0n) << 64n);
  }

  /** Sets a register of 64 bits by KVM_SET_ONE_REG. */
  setRegister(id: bigint, value: bigint): void {
    this.#register[REGISTER.id] = id;
    this.#register[REGISTER.value] = value;
    this.tell("KVM_SET_ONE_REG", this.#registerArgument);
  }

  close(): void {
    this.#mapping.unmap();
    closeSync(this.descriptor);
  }
}

/** A structure's bytes as an argument of `tell`. */
export function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
