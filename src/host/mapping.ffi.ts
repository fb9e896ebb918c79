import { readFileSync } from "node:fs";
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
  /** Where much was touched, the host has all back some turns of the event loop later. */
  readonly unmap: () => void;
}

/** Largest memory that can be shown as a buffer; Node ends the process beyond. */
export const MAPPING_BYTES_MAX = 2 ** 32;
const WASM_PAGE_BYTES = 65536;
const WASM_BYTES_MAX = 2 ** 32;

/**
 * Maps zeroed memory with inaccessible pages before and behind it. The host gives pages as they are touched; children of
 * this process do not get the memory.
 * @param bytes a multiple of 64 KiB, at most `MAPPING_BYTES_MAX`.
 * @throws {HostError} where the host refuses.
 */
export function mapGuarded(bytes: number): HostMapping {
  if (bytes > MAPPING_BYTES_MAX) throw new RangeError(`${bytes} bytes cannot be shown as a buffer`);
  const mapping = mapUncounted(bytes) ?? mapCounted(bytes);
  const { address, unmap } = mapping;
  const refused = (call: string, result: number) => {
    if (result === 0) return;
    const errno = koffi.errno();
    unmap();
    throw new HostError(call, errno, `${bytes} bytes`);
  };
  refused("madvise", declarations.madvise(address, bytes, MADV_DONTFORK));
  if (mapping.isGuarded) return mapping;
  for (const guard of [address - BigInt(GUARD_BYTES), address + BigInt(bytes)]) {
    refused("mprotect", declarations.mprotect(guard, GUARD_BYTES, PROT_NONE));
  }
  return mapping;
}

/** With room for guards on both sides, or these there already. */
interface RoomyMapping extends HostMapping {
  readonly isGuarded: boolean;
}

/**
 * Room for memory and guards in a shared memory of WebAssembly's: V8 counts the bytes of every other buffer as load on its
 * heap, touched or not, and for one of 512 MiB would collect garbage at once and hold the event loop for milliseconds.
 * The pages go back to the host by `unmap`, the addresses when V8 finds them unused.
 * @returns undefined where V8 has no room: it may ask for 10 GiB of addresses each, of which a process on some Arm hosts
 *   has 512.
 */
function mapUncounted(bytes: number): RoomyMapping | undefined {
  // One of 4 GiB has no room for guards. V8 has its own around such a memory, where it catches faults.
  const isWhole = bytes + 2 * GUARD_BYTES > WASM_BYTES_MAX;
  const guardBytes = isWhole ? 0 : GUARD_BYTES;
  const wholeBytes = bytes + 2 * guardBytes;
  const pages = wholeBytes / WASM_PAGE_BYTES;
  let buffer: ArrayBufferLike;
  try {
    buffer = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  } catch {
    return undefined;
  }
  const start = BigInt.asUintN(64, koffi.address(new Uint8Array(buffer)));
  if (isWhole && !isBetweenGuards(start, bytes)) return undefined;
  return {
    address: start + BigInt(guardBytes),
    view: new DataView(buffer, guardBytes, bytes),
    unmap: () => giveBack({ start, bytes: wholeBytes, owner: buffer }),
    isGuarded: isWhole,
  };
}

/** Whether nobody can touch what lies right before and behind: as Linux says, proc_pid_maps(5). */
function isBetweenGuards(start: bigint, bytes: number): boolean {
  const end = start + BigInt(bytes);
  const inaccessible = /^([0-9a-f]+)-([0-9a-f]+) ---p /gm;
  const guards = [...readFileSync("/proc/self/maps", "latin1").matchAll(inaccessible)].map(
    ([, from, to]) => [BigInt(`0x${from}`), BigInt(`0x${to}`)] as const,
  );
  return guards.some(([, to]) => to === start) && guards.some(([from]) => from === end);
}

function mapCounted(bytes: number): RoomyMapping {
  const wholeBytes = bytes + 2 * GUARD_BYTES;
  const start = map(wholeBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1);
  const address = start + BigInt(GUARD_BYTES);
  const unmap = () =>
    giveBack({ start, bytes: wholeBytes, whenGiven: () => void declarations.munmap(start, wholeBytes) });
  return { address, view: new DataView(koffi.view(address, bytes)), unmap, isGuarded: false };
}

/** Pages that go back to the host. */
interface GivenPages {
  readonly start: bigint;
  readonly bytes: number;
  /** Kept from V8's collection until then. */
  readonly owner?: ArrayBufferLike;
  readonly whenGiven?: () => void;
}

/** Given back between two looks at the clock: part of a millisecond, where all of it was touched. */
const GIVEN_AT_ONCE_BYTES = 2 ** 20;
/** At once, and then of each turn of the event loop. */
const GIVING_MS = 1;
const given: GivenPages[] = [];
let firstGivenBytes = 0;

/** Gives pages back, some at each turn of the event loop: for each that was touched the host takes part of a microsecond. */
function giveBack(pages: GivenPages): void {
  given.push(pages);
  if (given.length === 1) giveSomeBack();
}

function giveSomeBack(): void {
  const untilMs = performance.now() + GIVING_MS;
  do {
    const [pages] = given;
    if (pages === undefined) return;
    const { start, bytes, whenGiven } = pages;
    const partBytes = Math.min(GIVEN_AT_ONCE_BYTES, bytes - firstGivenBytes);
    declarations.madvise(start + BigInt(firstGivenBytes), partBytes, MADV_DONTNEED);
    firstGivenBytes += partBytes;
    if (firstGivenBytes === bytes) {
      given.shift();
      firstGivenBytes = 0;
      whenGiven?.();
    }
  } while (performance.now() < untilMs);
  if (given.length > 0) setImmediate(giveSomeBack);
}

/** Where the memory of a WebAssembly memory lies in this process, and keeps it from this process' children. @throws {HostError} */
export function claimPages(buffer: ArrayBufferLike): bigint {
  const address = BigInt.asUintN(64, koffi.address(new Uint8Array(buffer)));
  if (declarations.madvise(address, buffer.byteLength, MADV_DONTFORK) !== 0) {
    throw new HostError("madvise", koffi.errno(), `${buffer.byteLength} bytes`);
  }
  return address;
}

/**
 * Gives its pages back to the host in the next turns of the event loop, without waiting for V8 to find it unused; it must
 * not be used any more.
 */
export function releasePages(buffer: ArrayBufferLike): void {
  const start = BigInt.asUintN(64, koffi.address(new Uint8Array(buffer)));
  giveBack({ start, bytes: buffer.byteLength, owner: buffer });
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
