/**
 * Solo5's `hvt` ABI, version 2: the hypercalls (Solo5 v0.12, `include/hvt_abi.h`). An engine gives the number and the
 * pointer of each; what they point to is the guest's word, and is checked here.
 */
import type { BlockDevice } from "../device/block.ts";
import type { Outcome } from "../device/buffer.ts";
import type { WallClock } from "../device/clock.ts";
import type { Console } from "../device/console.ts";
import type { NetDevice } from "../device/net.ts";
import type { GuestMemory, GuestRange } from "../memory/guest-memory.ts";

export const HVT_ABI_VERSION = 2;
/** First address that an image may occupy (`HVT_GUEST_MIN_BASE`). */
export const LOWEST_IMAGE_ADDRESS = 0x100000;
/** Hypercalls carry pointers of 32 bits, and AArch64's window begins there. */
export const MEMORY_BYTES_MAX = 2 ** 32;

/** On x86-64 a hypercall is a 32-bit write of its pointer to this port plus its number. */
export const HYPERCALL_PORT = 0x500;
/** On AArch64 it is a 32-bit store of its pointer to this address plus eight times its number. */
export const HYPERCALL_WINDOW = 0x1_0000_0000;
export const HYPERCALL_WINDOW_SHIFT = 3;

export const HYPERCALL = {
  walltime: 1,
  puts: 2,
  poll: 3,
  blockWrite: 4,
  blockRead: 5,
  netWrite: 6,
  netRead: 7,
  halt: 8,
} as const;
type HypercallName = keyof typeof HYPERCALL;

/** What the guest's bindings give where they abort (`SOLO5_EXIT_ABORT`). */
export const STATUS_ABORT = 255;

/** Sizes of the requests and offsets of their fields. */
const WALLTIME = { bytes: 8, ns: 0 } as const;
const PUTS = { bytes: 16, data: 0, length: 8 } as const;
const POLL = { bytes: 24, timeoutNs: 0, ready: 8, result: 16 } as const;
const BLOCK = { bytes: 40, handle: 0, offset: 8, data: 16, length: 24, result: 32 } as const;
const NET = { bytes: 32, handle: 0, data: 8, length: 16, result: 24 } as const;
const HALT = { bytes: 16, cookie: 0, status: 8 } as const;
/** Readable bytes that a halt's cookie must lead to, where it is not 0 (`HVT_HALT_COOKIE_MAX`). */
export const COOKIE_BYTES = 512;

/** `solo5_result_t` (Solo5 v0.12, `include/solo5.h`). */
export const RESULT: Readonly<Record<Outcome, number>> = { ok: 0, again: 1, invalid: 2, failed: 3 };

/** What a guest of the ABI can reach; devices by their index in the manifest. */
export interface HvtDevices {
  readonly console: Console;
  readonly clock: WallClock;
  readonly block: ReadonlyMap<number, BlockDevice>;
  readonly net: ReadonlyMap<number, NetDevice>;
}

/** Why a guest's hypercall does not go on at once. */
export type HvtStop =
  /** It halted; the cookie leads to what its bindings left for a core dump. */
  | { readonly type: "halt"; readonly status: number; readonly cookie: GuestRange | undefined }
  /** It has more text for the console than is taken at once: `goOn`. */
  | { readonly type: "text" }
  /** It waits for a frame, so long at most; `endWait` lets it go on. */
  | { readonly type: "wait"; readonly timeoutNs: number }
  /** It broke the ABI, and cannot go on. */
  | { readonly type: "broken"; readonly reason: string };

/** Text that the console is given at once; a guest could hold up its host with gigabytes. */
export const TEXT_BYTES_AT_ONCE = 65536;

/** Serves the hypercalls of one guest. */
export class HvtServer {
  /** What the last hypercall stopped the guest with; means nothing while `serve` lets it go on. */
  stop: HvtStop | undefined;
  /** How often each hypercall was made, by its number. */
  readonly calls = new Float64Array(HYPERCALL.halt + 1);
  readonly #memory: GuestMemory;
  readonly #devices: HvtDevices;
  #poll: GuestRange | undefined;
  /** What the console was not given yet. */
  #text: GuestRange | undefined;

  constructor(memory: GuestMemory, devices: HvtDevices) {
    this.#memory = memory;
    this.#devices = devices;
  }

  /**
   * Serves a hypercall.
   * @param number any, as the guest gave it.
   * @param pointer to the request, below 2^32.
   * @returns whether the guest goes on; where not, `stop` says why.
   */
  serve(number: number, pointer: number): boolean {
    this.calls[number] = (this.calls[number] ?? 0) + 1;
    switch (number) {
      case HYPERCALL.walltime:
        return this.#walltime(pointer);
      case HYPERCALL.puts:
        return this.#puts(pointer);
      case HYPERCALL.poll:
        return this.#startWait(pointer);
      case HYPERCALL.blockWrite:
        return this.#blockTransfer("blockWrite", pointer);
      case HYPERCALL.blockRead:
        return this.#blockTransfer("blockRead", pointer);
      case HYPERCALL.netWrite:
        return this.#netWrite(pointer);
      case HYPERCALL.netRead:
        return this.#netRead(pointer);
      case HYPERCALL.halt:
        return this.#halt(pointer);
      default:
        return this.#break(`made hypercall ${number}, which the ABI has not`);
    }
  }

  /**
   * Ends the wait that `stop` told of.
   * @param ready a bit for each net device that has a frame, by its index in the manifest; 0 where the time is up.
   */
  endWait(ready: bigint): void {
    const request = this.#poll;
    if (request === undefined) throw new Error("the guest does not wait");
    this.#poll = undefined;
    request.setU64(POLL.ready, ready);
    request.setI32(POLL.result, bitCount(ready));
  }

  #walltime(pointer: number): boolean {
    const request = this.#request("walltime", pointer, WALLTIME.bytes);
    if (request === undefined) return false;
    request.setU64(WALLTIME.ns, this.#devices.clock.nowNs());
    return true;
  }

  #puts(pointer: number): boolean {
    const request = this.#request("puts", pointer, PUTS.bytes);
    if (request === undefined) return false;
    const text = this.#data("puts", request.u64(PUTS.data), request.u64(PUTS.length));
    if (text === undefined) return false;
    this.#text = text;
    return this.goOn();
  }

  /** Before the guest goes on: gives the console the next part of its text. @returns as `serve`. */
  goOn(): boolean {
    const text = this.#text;
    if (text === undefined) return true;
    this.#devices.console.write(text.part(0, TEXT_BYTES_AT_ONCE));
    this.#text = text.length > TEXT_BYTES_AT_ONCE ? text.part(TEXT_BYTES_AT_ONCE, text.length) : undefined;
    if (this.#text === undefined) return true;
    this.stop = { type: "text" };
    return false;
  }

  #startWait(pointer: number): boolean {
    this.#poll = this.#request("poll", pointer, POLL.bytes);
    if (this.#poll !== undefined) this.stop = { type: "wait", timeoutNs: this.#poll.u64(POLL.timeoutNs) };
    return false;
  }

  #blockTransfer(name: "blockRead" | "blockWrite", pointer: number): boolean {
    const request = this.#request(name, pointer, BLOCK.bytes);
    if (request === undefined) return false;
    const device = this.#devices.block.get(request.u64(BLOCK.handle));
    const offset = request.u64(BLOCK.offset);
    const length = request.u64(BLOCK.length);
    if (!device?.isBlock(offset, length)) {
      request.setI32(BLOCK.result, RESULT.invalid);
      return true;
    }
    const data = this.#data(name, request.u64(BLOCK.data), length);
    if (data === undefined) return false;
    const outcome = name === "blockRead" ? device.read(offset, data) : device.write(offset, data);
    request.setI32(BLOCK.result, RESULT[outcome]);
    return true;
  }

  #netWrite(pointer: number): boolean {
    const request = this.#request("netWrite", pointer, NET.bytes);
    if (request === undefined) return false;
    const device = this.#devices.net.get(request.u64(NET.handle));
    const length = request.u64(NET.length);
    if (!device?.isFrame(length)) {
      request.setI32(NET.result, RESULT.invalid);
      return true;
    }
    const frame = this.#data("netWrite", request.u64(NET.data), length);
    if (frame === undefined) return false;
    request.setI32(NET.result, RESULT[device.send(frame)]);
    return true;
  }

  #netRead(pointer: number): boolean {
    const request = this.#request("netRead", pointer, NET.bytes);
    if (request === undefined) return false;
    const device = this.#devices.net.get(request.u64(NET.handle));
    if (device === undefined) {
      request.setI32(NET.result, RESULT.invalid);
      return true;
    }
    const room = this.#data("netRead", request.u64(NET.data), request.u64(NET.length));
    if (room === undefined) return false;
    const received = device.receive(room);
    if (received !== undefined && received > 0) request.setU64(NET.length, BigInt(received));
    request.setI32(NET.result, received === undefined ? RESULT.failed : received === 0 ? RESULT.again : RESULT.ok);
    return true;
  }

  #halt(pointer: number): boolean {
    const request = this.#request("halt", pointer, HALT.bytes);
    if (request === undefined) return false;
    const at = request.u64(HALT.cookie);
    const cookie = at === 0 ? undefined : this.#data("halt", at, COOKIE_BYTES);
    if (at !== 0 && cookie === undefined) return false;
    this.stop = { type: "halt", status: request.i32(HALT.status), cookie };
    return false;
  }

  #request(name: HypercallName, pointer: number, bytes: number): GuestRange | undefined {
    const request = this.#memory.range(pointer, bytes);
    if (request === undefined) this.#break(outside(name, "a request", pointer, bytes));
    return request;
  }

  #data(name: HypercallName, pointer: number, bytes: number): GuestRange | undefined {
    const data = this.#memory.range(pointer, bytes);
    if (data === undefined) this.#break(outside(name, "data", pointer, bytes));
    return data;
  }

  #break(reason: string): false {
    this.stop = { type: "broken", reason };
    return false;
  }
}

function outside(name: HypercallName, what: string, pointer: number, bytes: number): string {
  return `gave hypercall ${name} ${what} of ${bytes} bytes at 0x${pointer.toString(16)}, outside its memory`;
}

function bitCount(bits: bigint): number {
  let count = 0;
  for (let rest = bits; rest !== 0n; rest &= rest - 1n) count++;
  return count;
}
