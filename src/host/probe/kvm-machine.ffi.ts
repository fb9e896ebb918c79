import { closeSync } from "node:fs";
import { HostError } from "../error.ts";
import type { Address, ProbeLibc } from "./libc.ffi.ts";

/* Requests and layouts: Linux, include/uapi/linux/kvm.h; their meaning: Documentation/virt/kvm/api.rst. */
const KVM_GET_API_VERSION = 0xae00;
const KVM_CREATE_VM = 0xae01;
const KVM_CHECK_EXTENSION = 0xae03;
const KVM_GET_VCPU_MMAP_SIZE = 0xae04;
const KVM_CREATE_VCPU = 0xae41;
const KVM_SET_USER_MEMORY_REGION = 0x4020ae46;
const KVM_RUN = 0xae80;
/** Where struct kvm_run says why the vCPU stopped (u32). */
const RUN_EXIT_REASON = 8;
const RUN_BYTES_MIN = 0x100;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_SHARED_ANONYMOUS = 0x21;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const EINTR = 4;

/** The parts of a guest loop that differ between architectures. */
export interface LoopGuest {
  /** A loop of two instructions a round, then one that makes the vCPU exit, then a jump back to the start. Runs at address 0. */
  readonly code: Uint8Array;
  /** `exit_reason` after the last round. */
  readonly exitReason: number;
  /** The argument of KVM_CREATE_VM. */
  readonly machineType: (host: KvmDevice) => bigint;
  readonly prepare: (machine: KvmMachine) => void;
  /** Sets the number of rounds of the next run, and where it begins. */
  readonly begin: (machine: KvmMachine, rounds: number) => void;
}

/** /dev/kvm itself: what can be asked before there is a virtual machine. */
export class KvmDevice {
  readonly libc: ProbeLibc;
  readonly descriptor: number;

  /** @param descriptor of /dev/kvm; stays the caller's. */
  constructor(libc: ProbeLibc, descriptor: number) {
    this.libc = libc;
    this.descriptor = descriptor;
  }

  apiVersion(): number {
    return this.ask("KVM_GET_API_VERSION", KVM_GET_API_VERSION, 0n);
  }

  /** What KVM_CHECK_EXTENSION answers: 0 where the capability is missing. */
  capability(number: number): number {
    return this.ask("KVM_CHECK_EXTENSION", KVM_CHECK_EXTENSION, BigInt(number));
  }

  runBytes(): number {
    const bytes = this.ask("KVM_GET_VCPU_MMAP_SIZE", KVM_GET_VCPU_MMAP_SIZE, 0n);
    if (bytes < RUN_BYTES_MIN) throw new RangeError(`KVM_GET_VCPU_MMAP_SIZE is ${bytes}, too small for struct kvm_run`);
    return bytes;
  }

  createMachine(type: bigint): number {
    return this.ask("KVM_CREATE_VM", KVM_CREATE_VM, type);
  }

  private ask(name: string, request: number, argument: bigint): number {
    return check(this.libc, name, this.libc.ioctl(this.descriptor, request, argument));
  }
}

/** A virtual machine of one page of memory at guest address 0 and one vCPU, for a guest loop. */
export class KvmMachine {
  readonly device: KvmDevice;
  readonly #libc: ProbeLibc;
  readonly #guest: LoopGuest;
  readonly #releases: (() => void)[] = [];
  readonly #vm: number;
  readonly #vcpu: number;
  readonly #run: DataView;
  readonly #scratch: { readonly address: Address; readonly view: DataView };

  /** @throws {HostError} naming the call that KVM refused; nothing stays behind then. */
  constructor(device: KvmDevice, guest: LoopGuest, pageBytes: number) {
    this.device = device;
    this.#libc = device.libc;
    this.#guest = guest;
    try {
      this.#vm = this.#own(device.createMachine(guest.machineType(device)));
      // Two pages: the guest's memory, and scratch memory for arguments that the kernel reads by their address.
      const memory = this.#map(2 * pageBytes, MAP_SHARED_ANONYMOUS, -1);
      new Uint8Array(memory.view.buffer).set(guest.code);
      this.#scratch = {
        address: memory.address + BigInt(pageBytes),
        view: new DataView(memory.view.buffer, pageBytes, pageBytes),
      };
      const region = new DataView(new ArrayBuffer(32));
      region.setBigUint64(16, BigInt(pageBytes), true);
      region.setBigUint64(24, memory.address, true);
      this.tellMachine("KVM_SET_USER_MEMORY_REGION", KVM_SET_USER_MEMORY_REGION, bytesOf(region));
      this.#vcpu = this.#own(this.tellMachine("KVM_CREATE_VCPU", KVM_CREATE_VCPU, 0n));
      this.#run = this.#map(device.runBytes(), MAP_SHARED, this.#vcpu).view;
      guest.prepare(this);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** An ioctl of the machine. @throws {HostError} with the request's name. */
  tellMachine(name: string, request: number, argument: Address | Uint8Array): number {
    return check(this.#libc, name, this.#libc.ioctl(this.#vm, request, argument));
  }

  /** An ioctl of the vCPU. @throws {HostError} with the request's name. */
  tellVcpu(name: string, request: number, argument: Address | Uint8Array): number {
    return check(this.#libc, name, this.#libc.ioctl(this.#vcpu, request, argument));
  }

  /** Puts a 64-bit value where the kernel can read it. @returns its address, good until the next call. */
  place(value: bigint): Address {
    this.#scratch.view.setBigUint64(0, value, true);
    return this.#scratch.address;
  }

  /**
   * Runs the loop once.
   * @returns the nanoseconds that it took; undefined where a signal ended it.
   * @throws {HostError} where KVM_RUN fails; {RangeError} where the guest stopped for another reason than its end.
   */
  runLoop(rounds: number): number | undefined {
    this.#guest.begin(this, rounds);
    const begin = process.hrtime.bigint();
    const result = this.#libc.ioctl(this.#vcpu, KVM_RUN, 0n);
    const elapsedNs = Number(process.hrtime.bigint() - begin);
    if (result < 0 && this.#libc.errno() === EINTR) return undefined;
    check(this.#libc, "KVM_RUN", result);
    const reason = this.#run.getUint32(RUN_EXIT_REASON, true);
    if (reason !== this.#guest.exitReason) {
      throw new RangeError(`KVM_RUN ended with exit reason ${reason}, expected ${this.#guest.exitReason}`);
    }
    return elapsedNs;
  }

  close(): void {
    for (let release = this.#releases.pop(); release !== undefined; release = this.#releases.pop()) release();
  }

  #own(descriptor: number): number {
    this.#releases.push(() => closeSync(descriptor));
    return descriptor;
  }

  #map(bytes: number, flags: number, descriptor: number): { readonly address: Address; readonly view: DataView } {
    const address = BigInt.asUintN(64, this.#libc.mmap(0n, bytes, PROT_READ_WRITE, flags, descriptor, 0));
    if (address === MAP_FAILED) throw new HostError("mmap", this.#libc.errno(), "guest loop");
    this.#releases.push(() => this.#libc.munmap(address, bytes));
    return { address, view: this.#libc.view(address, bytes) };
  }
}

export function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function check(libc: ProbeLibc, call: string, result: number): number {
  if (result < 0) throw new HostError(call, libc.errno(), "/dev/kvm");
  return result;
}
