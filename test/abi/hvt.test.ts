import { describe, expect, it } from "vitest";
import { HYPERCALL, TEXT_BYTES_AT_ONCE } from "../../src/abi/hvt.ts";
import { BOOT_INFORMATION_ADDRESS, bootInformation } from "../../src/abi/hvt-boot.ts";
import { guestAddress } from "../../src/memory/address.ts";
import { SEED, seededRandom } from "../support/random.ts";
import {
  BLOCK_BYTES,
  BLOCK_HANDLE,
  CAPACITY_BYTES,
  HvtBench,
  MEMORY_BYTES,
  MTU,
  NET_HANDLE,
  NOW_NS,
} from "./hvt-bench.ts";

const AT = 0x1000;
const DATA = 0x2000;
const OK = 0;
const AGAIN = 1;
const INVALID = 2;
const FAILED = 3;
const LAST = 2n ** 64n - 1n;
const text = (words: string) => new TextEncoder().encode(words);

describe("hypercalls of the hvt ABI", () => {
  it("tell the time of day", () => {
    const bench = new HvtBench();
    expect(bench.serve(HYPERCALL.walltime, AT, 0n)).toBe(true);
    expect(bench.word(AT)).toBe(NOW_NS);
  });

  it("write to the console, nothing too", () => {
    const bench = new HvtBench();
    bench.put(DATA, text("héllo"));
    expect(bench.serve(HYPERCALL.puts, AT, BigInt(DATA), 6n)).toBe(true);
    expect(bench.serve(HYPERCALL.puts, AT, BigInt(MEMORY_BYTES), 0n)).toBe(true);
    expect(bench.console.text).toBe("héllo");
  });

  it("write much text in parts", () => {
    const bench = new HvtBench();
    const words = Uint8Array.from({ length: 2 * TEXT_BYTES_AT_ONCE + 5 }, (_, index) => 97 + (index % 26));
    bench.put(DATA, words);
    expect(bench.serve(HYPERCALL.puts, AT, BigInt(DATA), BigInt(words.length))).toBe(false);
    expect(bench.server.stop).toEqual({ type: "text" });
    expect(bench.console.text).toHaveLength(TEXT_BYTES_AT_ONCE);
    expect([bench.server.goOn(), bench.server.goOn(), bench.server.goOn()]).toEqual([false, true, true]);
    expect(bench.console.text).toBe(new TextDecoder().decode(words));
    expect(bench.serve(HYPERCALL.puts, AT, BigInt(DATA), BigInt(TEXT_BYTES_AT_ONCE))).toBe(true);
  });

  it("wait, and tell which devices are ready", () => {
    const bench = new HvtBench();
    expect(bench.serve(HYPERCALL.poll, AT, 1_500_000_000n, LAST, LAST)).toBe(false);
    expect(bench.server.stop).toEqual({ type: "wait", timeoutNs: 1_500_000_000 });
    bench.server.endWait((1n << BigInt(NET_HANDLE)) | 1n);
    expect([bench.word(AT + 8), bench.result(AT + 16)]).toEqual([(1n << 63n) | 1n, 2]);
    expect(bench.serve(HYPERCALL.poll, AT, LAST, LAST, LAST)).toBe(false);
    bench.server.endWait(0n);
    expect([bench.word(AT + 8), bench.result(AT + 16)]).toEqual([0n, 0]);
    expect(() => bench.server.endWait(0n)).toThrow();
  });

  it("write and read blocks", () => {
    const bench = new HvtBench();
    const block = Uint8Array.from({ length: BLOCK_BYTES }, (_, index) => index * 7);
    bench.put(DATA, block);
    const transfer = (number: number, offset: number) => {
      const words = [BLOCK_HANDLE, offset, DATA, BLOCK_BYTES, 77].map(BigInt);
      expect(bench.serve(number, AT, ...words)).toBe(true);
      return bench.result(AT + 32);
    };
    expect(transfer(HYPERCALL.blockWrite, CAPACITY_BYTES - BLOCK_BYTES)).toBe(OK);
    bench.put(DATA, new Uint8Array(BLOCK_BYTES));
    expect(transfer(HYPERCALL.blockRead, CAPACITY_BYTES - BLOCK_BYTES)).toBe(OK);
    expect(bench.get(DATA, BLOCK_BYTES)).toEqual(block);
    expect(bench.canariesAreWhole()).toBe(true);
  });

  it("refuse blocks that the device has not, whatever their data", () => {
    const bench = new HvtBench();
    const handle = BigInt(BLOCK_HANDLE);
    const size = BigInt(BLOCK_BYTES);
    for (const [device, offset, length] of [
      [handle, 1n, size],
      [handle, BigInt(CAPACITY_BYTES), size],
      [handle, 2n ** 64n - size, size],
      [handle, 2n ** 53n, size],
      [handle, 0n, 0n],
      [handle, 0n, size - 1n],
      [handle, 0n, 2n * size],
      [handle, 0n, LAST],
      [handle + 1n, 0n, size],
      [BigInt(NET_HANDLE), 0n, size],
      [LAST, 0n, size],
      [handle + 2n ** 32n, 0n, size],
    ] as const) {
      for (const number of [HYPERCALL.blockRead, HYPERCALL.blockWrite]) {
        expect(bench.serve(number, AT, device, offset, LAST, length, 77n)).toBe(true);
        expect(bench.result(AT + 32), `${device} ${offset} ${length}`).toBe(INVALID);
      }
    }
    expect(bench.canariesAreWhole()).toBe(true);
  });

  it("send frames of every allowed length, and no other", () => {
    const bench = new HvtBench();
    const send = (length: bigint, handle = BigInt(NET_HANDLE)) => {
      expect(bench.serve(HYPERCALL.netWrite, AT, handle, BigInt(DATA), length, 77n)).toBe(true);
      return bench.result(AT + 24);
    };
    expect([14n, BigInt(MTU + 14)].map((length) => send(length))).toEqual([OK, OK]);
    expect([0n, 13n, BigInt(MTU + 15), LAST].map((length) => send(length))).toEqual(Array(4).fill(INVALID));
    expect([send(64n, 62n), send(64n, BigInt(BLOCK_HANDLE)), send(64n, LAST)]).toEqual(Array(3).fill(INVALID));
    expect(bench.frames.sent.map(({ length }) => length)).toEqual([14, MTU + 14]);
  });

  it("receive frames in their order, cut to the buffer", () => {
    const bench = new HvtBench();
    const receive = (length: number) => {
      expect(bench.serve(HYPERCALL.netRead, AT, BigInt(NET_HANDLE), BigInt(DATA), BigInt(length), 77n)).toBe(true);
      return [bench.result(AT + 24), bench.word(AT + 16)];
    };
    expect(receive(1514)).toEqual([AGAIN, 1514n]);
    bench.frames.waiting.push(text("a frame of sixteen"), text("another frame"));
    expect(receive(7)).toEqual([OK, 7n]);
    expect(bench.get(DATA, 8)).toEqual(text("a frame\0"));
    expect(receive(1514)).toEqual([OK, 13n]);
    expect(receive(1514)).toEqual([AGAIN, 1514n]);
    bench.frames.receive = () => undefined as unknown as number;
    expect(receive(1514)).toEqual([FAILED, 1514n]);
  });

  it("halt with a status and what the cookie leads to", () => {
    const bench = new HvtBench();
    expect(bench.serve(HYPERCALL.halt, AT, 0n, 0xffff_ffffn)).toBe(false);
    expect(bench.server.stop).toEqual({ type: "halt", status: -1, cookie: undefined });
    bench.serve(HYPERCALL.halt, AT, BigInt(MEMORY_BYTES - 512), 7n);
    const { stop } = bench.server;
    expect(stop?.type === "halt" && [stop.status, stop.cookie?.address, stop.cookie?.length]).toEqual([
      7,
      MEMORY_BYTES - 512,
      512,
    ]);
  });
});

describe("a guest that breaks the ABI", () => {
  it("is told of by number, pointer and length", () => {
    for (const [number, words, reason] of [
      [0, [], "made hypercall 0, which the ABI has not"],
      [9, [], "made hypercall 9, which the ABI has not"],
      [
        HYPERCALL.puts,
        [BigInt(MEMORY_BYTES), 1n],
        `gave hypercall puts data of 1 bytes at 0x${MEMORY_BYTES.toString(16)}, outside its memory`,
      ],
      [HYPERCALL.puts, [1n, LAST], /^gave hypercall puts data of .* at 0x1, outside its memory$/],
      [HYPERCALL.halt, [BigInt(MEMORY_BYTES - 511), 0n], /^gave hypercall halt data of 512 bytes at 0xffe01,/],
    ] as const) {
      const bench = new HvtBench();
      expect(bench.serve(number, AT, ...words)).toBe(false);
      const { stop } = bench.server;
      if (stop?.type !== "broken") expect.fail(`stopped with ${stop?.type}`);
      if (typeof reason === "string") expect(stop.reason).toBe(reason);
      else expect(stop.reason).toMatch(reason);
    }
  });

  it("cannot place any request across the end of its memory", () => {
    const sizes = {
      walltime: 8,
      puts: 16,
      poll: 24,
      blockWrite: 40,
      blockRead: 40,
      netWrite: 32,
      netRead: 32,
      halt: 16,
    };
    for (const [name, bytes] of Object.entries(sizes)) {
      const number = HYPERCALL[name as keyof typeof HYPERCALL];
      const bench = new HvtBench();
      for (const pointer of [MEMORY_BYTES - bytes + 1, MEMORY_BYTES, 2 ** 32 - 1]) {
        expect(bench.server.serve(number, pointer)).toBe(false);
        const reason = `gave hypercall ${name} a request of ${bytes} bytes at 0x${pointer.toString(16)}, outside its memory`;
        expect(bench.server.stop).toEqual({ type: "broken", reason });
      }
      const atTheEnd = new HvtBench().server;
      const broken = !atTheEnd.serve(number, MEMORY_BYTES - bytes) && atTheEnd.stop?.type === "broken";
      expect(broken).toBe(false);
    }
  });

  it(`never makes the server throw, and reaches nothing but its memory and devices (seed ${SEED})`, () => {
    const random = seededRandom();
    const edge = [0n, 1n, 13n, 14n, 511n, 512n, 1514n, BigInt(CAPACITY_BYTES), BigInt(MEMORY_BYTES), 2n ** 32n, LAST];
    const word = () => {
      const value = random.pick([random.pick(edge), random.pick([1n, 63n]), random.bigint(0n, LAST)]);
      return BigInt.asUintN(64, value + random.pick([0n, 0n, -1n, 1n]));
    };
    const stops = new Set<string>();
    let bench = new HvtBench();
    for (let round = 0; round < 100_000; round++) {
      const pointer = random.pick([AT, AT + 4, MEMORY_BYTES - 24, random.integer(0, 2 ** 32 - 1)]);
      const number = random.pick([...Object.values(HYPERCALL), random.integer(-1, 300)]);
      const room = Math.max(0, Math.min(5, Math.floor((MEMORY_BYTES - pointer) / 8)));
      const { memory } = bench;
      for (let index = 0; index < room; index++) memory.own(guestAddress(pointer + 8 * index), 8).setU64(0, word());
      if (!bench.server.serve(number, pointer)) {
        stops.add(bench.server.stop?.type ?? "");
        if (bench.server.stop?.type === "wait") bench.server.endWait(random.bigint(0n, LAST));
        else if (bench.server.stop?.type === "text") while (!bench.server.goOn());
      }
      if (round % 64 === 0) {
        expect(bench.canariesAreWhole()).toBe(true);
        bench = new HvtBench();
      }
      bench.frames.waiting.push(new Uint8Array(random.integer(0, 3000)));
    }
    expect([...stops].sort()).toEqual(["broken", "halt", "text", "wait"]);
  });
});

describe("boot information of the hvt ABI", () => {
  it("is what struct hvt_boot_info says", () => {
    const manifest = new Uint8Array(8 + 3 * 104);
    const bytes = bootInformation({
      memoryBytes: 2 ** 32,
      imageEnd: 0x123000,
      counterHz: 2_400_000_000,
      manifest,
      devices: [
        { type: "block", index: 1, capacityBytes: 2 ** 40, blockBytes: 4096 },
        { type: "net", index: 2, mac: Uint8Array.of(2, 3, 4, 5, 6, 7), mtu: 9000 },
      ],
      commandLine: text("a b"),
    });
    const view = new DataView(bytes.buffer);
    const words = [0, 8, 16, 24, 32, 40, 48].map((offset) => view.getBigUint64(offset, true));
    const base = BigInt(BOOT_INFORMATION_ADDRESS);
    expect(words).toEqual([2n ** 32n, 0x123000n, 2_400_000_000n, base + 64n + 320n, base + 64n, 0n, 0n]);
    expect(manifest.every((byte) => byte === 0)).toBe(true);
    const block = 64 + 8 + 104;
    expect(view.getBigUint64(block + 72, true)).toBe(2n ** 40n);
    expect([view.getUint16(block + 80, true), view.getUint8(block + 96)]).toEqual([4096, 1]);
    const net = block + 104;
    expect([...bytes.subarray(net + 72, net + 78)]).toEqual([2, 3, 4, 5, 6, 7]);
    expect([view.getUint16(net + 78, true), view.getUint8(net + 96)]).toEqual([9000, 1]);
    expect(bytes.subarray(64 + 320)).toEqual(text("a b\0"));
  });

  it("offers a ring where there is one", () => {
    const bytes = bootInformation({
      memoryBytes: 2 ** 24,
      imageEnd: 0,
      counterHz: 1,
      manifest: new Uint8Array(8),
      devices: [],
      commandLine: text(""),
      netRing: guestAddress(0xf0_0000),
    });
    const view = new DataView(bytes.buffer);
    expect([view.getUint32(40, true), view.getUint32(44, true), view.getBigUint64(48, true)]).toEqual([
      1,
      0,
      0xf0_0000n,
    ]);
  });
});
