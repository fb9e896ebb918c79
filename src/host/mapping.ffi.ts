import koffi from "koffi";
import { HostError } from "./error.ts";

// Linux include/uapi/asm-generic/mman-common.h and mman.h.
const PROT_NONE = 0;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
const MADV_DONTFORK = 10;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
/** A multiple of every host's page. */
const GUARD_BYTES = 65536;

const libc = koffi.load(null);
const declarations = {
  mmap: libc.func("void *mmap(void *, size_t, int, int, int, long)"),
  mprotect: libc.func("int mprotect(void *, size_t, int)"),
  madvise: libc.func("int madvise(void *, size_t, int)"),
  munmap: libc.func("int munmap(void *, size_t)"),
};

/** Memory that the host mapped into this process. */
export interface HostMapping {
  readonly address: bigint;
  /** The same memory. Touching it after `unmap` ends the process. */
  readonly buffer: ArrayBuffer;
  readonly unmap: () => void;
}

/** Largest memory that can be shown as a buffer; Node ends the process beyond. */
export const MAPPING_BYTES_MAX = 2 ** 32;

/**
 * Maps zeroed memory with inaccessible pages before and behind it. The host gives pages as they are touched; children of
 * this process do not get the memory.
 * @param bytes a multiple of 64 KiB, at most `MAPPING_BYTES_MAX`.
 * @throws {HostError} where the host refuses.
 */
export function mapGuarded(bytes: number): HostMapping {
  if (bytes > MAPPING_BYTES_MAX) throw new RangeError(`${bytes} bytes cannot be shown as a buffer`);
  const wholeBytes = bytes + 2 * GUARD_BYTES;
  const whole = map(wholeBytes, PROT_NONE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1);
  const address = whole + BigInt(GUARD_BYTES);
  const unmap = () => void declarations.munmap(whole, wholeBytes);
  const refused = (call: string, result: number) => {
    if (result === 0) return;
    const errno = koffi.errno();
    unmap();
    throw new HostError(call, errno, `${bytes} bytes`);
  };
  refused("mprotect", declarations.mprotect(address, bytes, PROT_READ_WRITE));
  refused("madvise", declarations.madvise(address, bytes, MADV_DONTFORK));
  return { address, buffer: koffi.view(address, bytes), unmap };
}

/**
 * Memory that another thread of this process mapped; it must not be touched once that one has unmapped it.
 * @param bytes at most `MAPPING_BYTES_MAX`.
 */
export function viewMapped(address: bigint, bytes: number): ArrayBuffer {
  return koffi.view(address, bytes);
}

/** Maps the first bytes of what a descriptor stands for, for reading and writing. @throws {HostError} */
export function mapDescriptor(descriptor: number, bytes: number): HostMapping {
  const address = map(bytes, PROT_READ_WRITE, MAP_SHARED, descriptor);
  return { address, buffer: koffi.view(address, bytes), unmap: () => void declarations.munmap(address, bytes) };
}

function map(bytes: number, protection: number, flags: number, descriptor: number): bigint {
  const address = BigInt.asUintN(64, declarations.mmap(0n, bytes, protection, flags, descriptor, 0));
  if (address === MAP_FAILED) throw new HostError("mmap", koffi.errno(), `${bytes} bytes`);
  return address;
}
