/**
 * The network ring of Solo5's `hvt` ABI (Solo5 v0.12, `include/hvt_ring.h`): requests and answers in the guest's memory,
 * which another thread serves while the guest runs. All of it is the guest's to write, at any moment: what Skiff counts it
 * keeps for itself, and reads each field once.
 */
import type { NetDevice } from "../device/net.ts";
import { type GuestAddress, guestAddress } from "../memory/address.ts";
import type { GuestMemory, GuestRange } from "../memory/guest-memory.ts";
import { HYPERCALL_WINDOW, RESULT } from "./hvt.ts";

/** Where Skiff puts the ring: below every image. */
export const NET_RING_ADDRESS = guestAddress(0xf0000);

/** The doorbell of a ring whose server sleeps is a 32-bit write of any value there (`HVT_RING_KICK_PIO_BASE`). */
export const DOORBELL_PORT = 0x600;
/** The same on AArch64 (`HVT_RING_KICK_MMIO_BASE`). */
export const DOORBELL_ADDRESS = HYPERCALL_WINDOW + 0x100;

/** Requests, and answers as many (`HVT_RING_SIZE`); a power of two. */
export const RING_ENTRIES = 1024;
const PLACE_MASK = RING_ENTRIES - 1;
/** Offsets of the counts in words of 32 bits: the guest writes the first cache line, its server the second. */
export const RING_WORD = {
  requestsMade: 0,
  answersTaken: 1,
  requestsTaken: 16,
  answersMade: 17,
  wantsBell: 18,
} as const;
const REQUESTS = 128;
const COUNT_WORDS = REQUESTS / Uint32Array.BYTES_PER_ELEMENT;
/** `struct hvt_ring_entry`. */
export const REQUEST = { bytes: 32, operation: 0, handle: 4, data: 8, length: 16, id: 20 } as const;
const ANSWERS = REQUESTS + RING_ENTRIES * REQUEST.bytes;
/** `struct hvt_ring_commit`. */
const ANSWER = { bytes: 16, id: 0, result: 4, length: 8 } as const;
export const RING_BYTES = ANSWERS + RING_ENTRIES * ANSWER.bytes;

/** `HVT_RING_NET_WRITE` and `HVT_RING_NET_READ`. */
export const RING_OPERATION = { write: 1, read: 2 } as const;

/** Before the guest's first instruction: nobody serves its ring yet, so that it must ring. */
export function prepareNetRing(memory: GuestMemory): void {
  const { buffer, byteOffset } = memory.own(NET_RING_ADDRESS, REQUESTS).bytes;
  new Uint32Array(buffer, byteOffset, COUNT_WORDS)[RING_WORD.wantsBell] = 1;
}

/** The server's side of one guest's ring. */
export class NetRing {
  /** The rest of a sentence whose subject is the guest, once it broke the ABI; the ring is not served any more then. */
  broken: string | undefined;
  readonly #memory: GuestMemory;
  readonly #devices: ReadonlyMap<number, NetDevice>;
  readonly #ring: GuestRange;
  readonly #words: Uint32Array;
  /** The frame on its way. */
  readonly #outgoing: Uint8Array;
  #requestsTaken = 0;
  #answersMade = 0;

  /** @param address of a ring whose bytes are zero, as the guest is told it; a multiple of 64. */
  constructor(memory: GuestMemory, address: GuestAddress, devices: ReadonlyMap<number, NetDevice>) {
    this.#memory = memory;
    this.#devices = devices;
    this.#ring = memory.own(address, RING_BYTES);
    this.#outgoing = new Uint8Array(Math.max(0, ...[...devices.values()].map(({ frameBytesMax }) => frameBytesMax)));
    const { buffer, byteOffset } = this.#ring.bytes;
    this.#words = new Uint32Array(buffer, byteOffset, COUNT_WORDS);
  }

  /**
   * Serves requests in their order.
   * @param limit how many at most.
   * @returns how many it served; 0 where the guest made none, or broke the ABI.
   */
  serve(limit: number): number {
    if (this.broken !== undefined) return 0;
    // Acquires what the guest wrote before it counted; the requests are read after it.
    const waiting = (Atomics.load(this.#words, RING_WORD.requestsMade) - this.#requestsTaken) >>> 0;
    if (waiting === 0) return 0;
    if (waiting > RING_ENTRIES) return this.#break(`made ${waiting} requests in a ring of ${RING_ENTRIES}`);
    const count = Math.min(waiting, limit);
    for (let served = 0; served < count; served++) {
      if (!this.#serveNext()) return served;
    }
    return count;
  }

  /**
   * Asks the guest to ring for its next request.
   * @returns whether it will; false where a request came meanwhile.
   */
  sleep(): boolean {
    // Store, then load, both sequentially consistent, as the guest does with the two the other way round: one of both sees
    // the other's store.
    Atomics.store(this.#words, RING_WORD.wantsBell, 1);
    if (this.broken !== undefined || Atomics.load(this.#words, RING_WORD.requestsMade) === this.#requestsTaken)
      return true;
    this.wake();
    return false;
  }

  /** Asks the guest not to ring any more. */
  wake(): void {
    Atomics.store(this.#words, RING_WORD.wantsBell, 0);
  }

  #serveNext(): boolean {
    const request = REQUESTS + (this.#requestsTaken & PLACE_MASK) * REQUEST.bytes;
    const ring = this.#ring;
    const operation = ring.u32(request + REQUEST.operation);
    const device = this.#devices.get(ring.u32(request + REQUEST.handle));
    const pointer = ring.u64(request + REQUEST.data);
    const length = ring.u32(request + REQUEST.length);
    switch (operation) {
      case RING_OPERATION.write:
        return this.#send(device, pointer, length);
      case RING_OPERATION.read:
        return this.#receive(device, pointer, length, ring.u32(request + REQUEST.id)) && this.#take();
      default:
        this.#break(`made request ${operation} in its network ring, which the ABI has not`);
        return false;
    }
  }

  /** The guest has its request's place, and its frame, back. */
  #take(): true {
    this.#requestsTaken = (this.#requestsTaken + 1) >>> 0;
    Atomics.store(this.#words, RING_WORD.requestsTaken, this.#requestsTaken);
    return true;
  }

  /** A frame is not answered; one that may not be sent is dropped. Guests wait until it is taken, but not for its way. */
  #send(device: NetDevice | undefined, pointer: number, length: number): boolean {
    if (!device?.isFrame(length)) return this.#take();
    const frame = this.#data("a frame", pointer, length);
    if (frame === undefined) return false;
    const bytes = this.#outgoing.subarray(0, length);
    bytes.set(frame.bytes);
    this.#take();
    device.send({ bytes, length, hostAddress: undefined });
    return true;
  }

  #receive(device: NetDevice | undefined, pointer: number, length: number, id: number): boolean {
    if (device === undefined) return this.#answer(id, RESULT.invalid, 0);
    const room = this.#data("room for a frame", pointer, length);
    if (room === undefined) return false;
    const received = device.receive(room);
    if (received === undefined) return this.#answer(id, RESULT.failed, 0);
    return this.#answer(id, received === 0 ? RESULT.again : RESULT.ok, received);
  }

  #answer(id: number, result: number, length: number): boolean {
    const untaken = (this.#answersMade - Atomics.load(this.#words, RING_WORD.answersTaken)) >>> 0;
    if (untaken >= RING_ENTRIES) {
      this.#break(`has not taken ${untaken} answers of its network ring, which has room for ${RING_ENTRIES}`);
      return false;
    }
    const answer = ANSWERS + (this.#answersMade & PLACE_MASK) * ANSWER.bytes;
    this.#ring.setI32(answer + ANSWER.id, id);
    this.#ring.setI32(answer + ANSWER.result, result);
    this.#ring.setI32(answer + ANSWER.length, length);
    this.#answersMade = (this.#answersMade + 1) >>> 0;
    Atomics.store(this.#words, RING_WORD.answersMade, this.#answersMade);
    return true;
  }

  #data(what: string, pointer: number, bytes: number): GuestRange | undefined {
    const data = this.#memory.range(pointer, bytes);
    if (data === undefined) {
      this.#break(`gave its network ring ${what} of ${bytes} bytes at 0x${pointer.toString(16)}, outside its memory`);
    }
    return data;
  }

  #break(reason: string): 0 {
    this.broken = reason;
    return 0;
  }
}
