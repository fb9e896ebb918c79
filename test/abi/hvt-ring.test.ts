import { describe, expect, it } from "vitest";
import {
  NET_RING_ADDRESS,
  NetRing,
  REQUEST,
  RING_BYTES,
  RING_ENTRIES,
  RING_OPERATION,
  RING_WORD,
} from "../../src/abi/hvt-ring.ts";
import { MemoryFrames, NetDevice } from "../../src/device/net.ts";
import { guestAddress } from "../../src/memory/address.ts";
import { GuestMemory } from "../../src/memory/guest-memory.ts";
import { SEED, seededRandom } from "../support/random.ts";

const MEMORY_BYTES = 1 << 20;
const HANDLE = 2;
const MTU = 1500;
const DATA = 0x2000;
const OK = 0;
const AGAIN = 1;
const INVALID = 2;
const REQUESTS = 128;
const ANSWERS = REQUESTS + RING_ENTRIES * REQUEST.bytes;
const { write, read } = RING_OPERATION;

interface Request {
  readonly operation?: number;
  readonly handle?: number;
  readonly data?: bigint;
  readonly length?: number;
  readonly id?: number;
}

/** A ring with its device in memory, and a guest that a test plays. */
class RingBench {
  readonly frames = new MemoryFrames();
  readonly memory = new GuestMemory(new ArrayBuffer(MEMORY_BYTES));
  readonly ring: NetRing;
  readonly words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor() {
    const device = new NetDevice(this.frames, { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), mtu: MTU });
    this.ring = new NetRing(this.memory, NET_RING_ADDRESS, new Map([[HANDLE, device]]));
    this.#bytes = this.memory.own(NET_RING_ADDRESS, RING_BYTES).bytes;
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, RING_BYTES);
    this.words = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, REQUESTS / 4);
  }

  word(name: keyof typeof RING_WORD): number {
    return this.words[RING_WORD[name]] ?? 0;
  }

  set(name: keyof typeof RING_WORD, value: number): void {
    this.words[RING_WORD[name]] = value;
  }

  /** Makes a request, as the guest does. */
  request({ operation = write, handle = HANDLE, data = BigInt(DATA), length = 60, id = 0 }: Request): void {
    const made = this.word("requestsMade");
    const at = REQUESTS + (made % RING_ENTRIES) * REQUEST.bytes;
    this.#view.setUint32(at + REQUEST.operation, operation, true);
    this.#view.setUint32(at + REQUEST.handle, handle, true);
    this.#view.setBigUint64(at + REQUEST.data, data, true);
    this.#view.setUint32(at + REQUEST.length, length, true);
    this.#view.setUint32(at + REQUEST.id, id, true);
    this.set("requestsMade", made + 1);
  }

  /** Takes the next answer: its id, result and length. */
  answer(): readonly number[] {
    const taken = this.word("answersTaken");
    expect((this.word("answersMade") - taken) >>> 0).toBeGreaterThan(0);
    this.set("answersTaken", taken + 1);
    const at = ANSWERS + (taken % RING_ENTRIES) * 16;
    return [0, 4, 8].map((offset) => this.#view.getUint32(at + offset, true));
  }

  put(address: number, bytes: Uint8Array): void {
    this.memory.own(guestAddress(address), bytes.length).bytes.set(bytes);
  }
}

describe("the network ring of the hvt ABI", () => {
  it("has the size of upstream's", () => {
    expect(RING_BYTES).toBe(49_280);
  });

  it("sends frames in their order, without answers, as many as are asked for at once", () => {
    const bench = new RingBench();
    expect(bench.ring.serve(64)).toBe(0);
    for (let number = 0; number < 5; number++) {
      bench.put(DATA + 64 * number, new Uint8Array(60).fill(number));
      bench.request({ data: BigInt(DATA + 64 * number) });
    }
    expect([bench.ring.serve(3), bench.word("requestsTaken")]).toEqual([3, 3]);
    expect([bench.ring.serve(64), bench.word("requestsTaken"), bench.word("answersMade")]).toEqual([2, 5, 0]);
    expect(bench.frames.sent.map((frame) => [frame.length, frame[0]])).toEqual([0, 1, 2, 3, 4].map((n) => [60, n]));
  });

  it("gives a frame back to the guest before it is on its way", () => {
    const bench = new RingBench();
    const seen: unknown[] = [];
    bench.frames.send = ({ bytes }) => {
      seen.push(bench.word("requestsTaken"));
      bench.put(DATA, new Uint8Array(60).fill(9));
      return seen.push(bytes.slice()) > 0;
    };
    bench.put(DATA, new Uint8Array(60).fill(3));
    bench.request({});
    expect(bench.ring.serve(64)).toBe(1);
    expect(seen).toEqual([1, new Uint8Array(60).fill(3)]);
  });

  it("receives, and says that nothing waits", () => {
    const bench = new RingBench();
    bench.frames.waiting.push(new Uint8Array(100).fill(7));
    bench.request({ operation: read, length: 1514, id: 42 });
    bench.request({ operation: read, length: 1514, id: 43 });
    expect(bench.ring.serve(64)).toBe(2);
    expect(bench.answer()).toEqual([42, OK, 100]);
    expect(bench.answer()).toEqual([43, AGAIN, 0]);
    expect(bench.memory.own(guestAddress(DATA), 101).bytes).toEqual(
      Uint8Array.from({ length: 101 }, (_, at) => (at < 100 ? 7 : 0)),
    );
  });

  it("goes round", () => {
    const bench = new RingBench();
    for (let made = 0; made < 3 * RING_ENTRIES; made++) {
      bench.request({ operation: read, length: 60, id: made });
      expect(bench.ring.serve(1)).toBe(1);
      expect(bench.answer()[0]).toBe(made);
    }
  });

  it("drops what may not be sent, and refuses reads of what is no device", () => {
    const bench = new RingBench();
    for (const length of [0, 13, MTU + 15, 2 ** 32 - 1]) bench.request({ length });
    for (const handle of [0, 1, 2 ** 32 - 1]) bench.request({ handle });
    bench.request({ operation: read, handle: 1, id: 9, data: 2n ** 64n - 1n });
    expect(bench.ring.serve(64)).toBe(8);
    expect(bench.frames.sent).toEqual([]);
    expect(bench.answer()).toEqual([9, INVALID, 0]);
    expect(bench.ring.broken).toBeUndefined();
  });

  const breaks: Readonly<Record<string, readonly [(bench: RingBench) => void, string]>> = {
    "a frame outside memory": [
      (bench) => bench.request({ data: BigInt(MEMORY_BYTES - 59) }),
      "gave its network ring a frame of 60 bytes at 0xfffc5, outside its memory",
    ],
    "a frame whose end overflows": [
      (bench) => bench.request({ data: 2n ** 64n - 30n }),
      "gave its network ring a frame of 60 bytes at 0x10000000000000000, outside its memory",
    ],
    "room outside memory": [
      (bench) => bench.request({ operation: read, data: 0n, length: MEMORY_BYTES + 1 }),
      "gave its network ring room for a frame of 1048577 bytes at 0x0, outside its memory",
    ],
    "a request that is none": [
      (bench) => bench.request({ operation: 3 }),
      "made request 3 in its network ring, which the ABI has not",
    ],
    "more requests than places": [
      (bench) => bench.set("requestsMade", RING_ENTRIES + 1),
      "made 1025 requests in a ring of 1024",
    ],
    "a count that goes back": [
      (bench) => bench.set("requestsMade", 2 ** 32 - 1),
      "made 4294967295 requests in a ring of 1024",
    ],
    "answers that nobody takes": [
      (bench) => {
        for (let made = 0; made <= RING_ENTRIES; made++) {
          bench.request({ operation: read });
          bench.ring.serve(1);
        }
      },
      "has not taken 1024 answers of its network ring, which has room for 1024",
    ],
    "an answer taken that was not made": [
      (bench) => {
        bench.set("answersTaken", 1);
        bench.request({ operation: read });
      },
      "has not taken 4294967295 answers of its network ring, which has room for 1024",
    ],
  };
  for (const [name, [make, reason]] of Object.entries(breaks)) {
    it(`is broken by ${name}, and not served any more`, () => {
      const bench = new RingBench();
      make(bench);
      bench.ring.serve(64);
      expect(bench.ring.broken).toBe(reason);
      const taken = bench.word("requestsTaken");
      bench.request({});
      expect([bench.ring.serve(64), bench.word("requestsTaken"), bench.frames.sent]).toEqual([0, taken, []]);
    });
  }

  it("keeps its own counts, whatever the guest writes over them", () => {
    const bench = new RingBench();
    bench.request({});
    bench.set("requestsTaken", 77);
    bench.set("answersMade", 88);
    expect(bench.ring.serve(64)).toBe(1);
    expect(bench.word("requestsTaken")).toBe(1);
    bench.request({ operation: read, id: 5 });
    expect(bench.ring.serve(64)).toBe(1);
    expect([bench.word("answersMade"), bench.answer()]).toEqual([1, [5, AGAIN, 0]]);
  });

  it("wants the bell where it sleeps, unless a request came meanwhile", () => {
    const bench = new RingBench();
    expect([bench.ring.sleep(), bench.word("wantsBell")]).toEqual([true, 1]);
    bench.ring.wake();
    expect(bench.word("wantsBell")).toBe(0);
    bench.request({});
    expect([bench.ring.sleep(), bench.word("wantsBell")]).toEqual([false, 0]);
  });

  it(`never throws, and reaches nothing but its memory (seed ${SEED})`, () => {
    const random = seededRandom();
    const edges = [0n, BigInt(DATA), BigInt(MEMORY_BYTES), 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n];
    let broken = 0;
    let bench = new RingBench();
    for (let attempt = 0; attempt < 50_000; attempt++) {
      bench.request({
        operation: random.pick([write, read, write, read, random.integer(0, 4)]),
        handle: random.pick([HANDLE, HANDLE, random.integer(0, 64)]),
        data: BigInt.asUintN(64, random.pick(edges) + random.bigint(-64n, 64n)),
        length: random.pick([0, 60, MTU + 14, random.integer(0, 2 ** 31 - 1)]),
      });
      if (random.integer(0, 99) === 0) bench.set("requestsMade", random.integer(0, 2 ** 31 - 1));
      bench.set("answersTaken", bench.word("answersMade"));
      bench.ring.serve(random.integer(1, 8));
      if (bench.ring.broken === undefined) continue;
      expect(bench.ring.broken).toMatch(/^(gave|made|has not taken) /);
      broken++;
      bench = new RingBench();
    }
    expect(broken).toBeGreaterThan(1000);
  });
});
