import koffi from "koffi";
import { HostError } from "./error.ts";

// Linux include/uapi/asm-generic/mman-common.h and mman.h.
const PROT_NONE = 0;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
const MADV_DONTNEED = 4;
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
  /** The same memory. It must not be touched after `unmap`, which can end the process. */
  readonly view: DataView;
  readonly unmap: () => void;
}

/** Largest memory that can be shown as a buffer; Node ends the process beyond. */
export const MAPPING_BYTES_MAX = 2 ** 32;
const WASM_PAGE_BYTES = 65536;

/**
 * Maps zeroed memory with inaccessible pages before and behind it. The host gives pages as they are touched; children of
 * this process do not get the memory.
 * @param bytes a multiple of 64 KiB, at most `MAPPING_BYTES_MAX`.
 * @throws {HostError} where the host refuses.
 */
export function mapGuarded(bytes: number): HostMapping {
  if (bytes > MAPPING_BYTES_MAX) throw new RangeError(`${bytes} bytes cannot be shown as a buffer`);
  const { address, view, unmap } = mapUncounted(bytes) ?? mapCounted(bytes);
  const refused = (call: string, result: number) => {
    if (result === 0) return;
    const errno = koffi.errno();
    unmap();
    throw new HostError(call, errno, `${bytes} bytes`);
  };
  for (const guard of [address - BigInt(GUARD_BYTES), address + BigInt(bytes)]) {
    refused("mprotect", declarations.mprotect(guard, GUARD_BYTES, PROT_NONE));
  }
  refused("madvise", declarations.madvise(address, bytes, MADV_DONTFORK));
  return { address, view, unmap };
}

/**
 * Room for memory and guards in a shared memory of WebAssembly's: V8 counts the bytes of every other buffer as load on its
 * heap, touched or not, and for one of 512 MiB would collect garbage at once and hold the event loop for milliseconds.
 * The pages go back to the host by `unmap`, the addresses when V8 finds them unused.
 * @returns undefined where V8 has no room: with guards 4 GiB are too much, and it may ask for 10 GiB of addresses each,
 *   of which a process on some Arm hosts has 512.
 */
function mapUncounted(bytes: number): HostMapping | undefined {
  const wholeBytes = bytes + 2 * GUARD_BYTES;
  const pages = wholeBytes / WASM_PAGE_BYTES;
  let buffer: ArrayBufferLike;
  try {
    buffer = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  } catch {
    return undefined;
  }
  const start = BigInt.asUintN(64, koffi.address(new Uint8Array(buffer)));
  return {
    address: start + BigInt(GUARD_BYTES),
    view: new DataView(buffer, GUARD_BYTES, bytes),
    unmap: () => void declarations.madvise(start, wholeBytes, MADV_DONTNEED),
  };
}

function mapCounted(bytes: number): HostMapping {
  const wholeBytes = bytes + 2 * GUARD_BYTES;
  const start = map(wholeBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1);
  const address = start + BigInt(GUARD_BYTES);
  const unmap = () => void declarations.munmap(start, wholeBytes);
  return { address, view: new DataView(koffi.view(address, bytes)), unmap };
}

/** Where the memory of a WebAssembly memory lies in this process, and keeps it from this process' children. @throws {HostError} */
export function claimPages(buffer: ArrayBufferLike): bigint {
  const address = BigInt.asUintN(64, koffi.address(new Uint8Array(buffer)));
  if (declarations.madvise(address, buffer.byteLength, MADV_DONTFORK) !== 0) {
    throw new HostError("madvise", koffi.errno(), `${buffer.byteLength} bytes`);
  }
  return address;
}

/** Gives its pages back to the host, without waiting for V8 to find it unused; its bytes are zero from now on. */
export function releasePages(buffer: ArrayBufferLike): void {
  declarations.madvise(koffi.address(new Uint8Array(buffer)), buffer.byteLength, MADV_DONTNEED);
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
  const unmap = () => void declarations.munmap(address, bytes);
  return { address, view: new DataView(koffi.view(address, bytes)), unmap };
}

function map(bytes: number, protection: number, flags: number, descriptor: number): bigint {
  const address = BigInt.asUintN(64, declarations.mmap(0n, bytes, protection, flags, descriptor, 0));
  if (address === MAP_FAILED) throw new HostError("mmap", koffi.errno(), `${bytes} bytes`);
  return address;
}
