import { type HvtDevices, HvtServer } from "../../src/abi/hvt.ts";
import { BlockDevice, MemoryBlocks } from "../../src/device/block.ts";
import { MemoryConsole } from "../../src/device/console.ts";
import { MemoryFrames, NetDevice } from "../../src/device/net.ts";
import { guestAddress } from "../../src/memory/address.ts";
import { GuestMemory } from "../../src/memory/guest-memory.ts";

export const MEMORY_BYTES = 1 << 20;
export const BLOCK_HANDLE = 1;
export const NET_HANDLE = 63;
export const BLOCK_BYTES = 512;
export const CAPACITY_BYTES = 8 * BLOCK_BYTES;
export const MTU = 1500;
export const NOW_NS = 1_700_000_000_123_456_789n;
/** Around what the block device holds: must stay as it is. */
export const CANARY = 0xc5;
const CANARY_BYTES = 4096;

/** A server of the ABI with every device in memory, and a guest that a test plays. */
export class HvtBench {
  readonly memory = new GuestMemory(new ArrayBuffer(MEMORY_BYTES));
  readonly console = new MemoryConsole();
  readonly frames = new MemoryFrames();
  readonly disk = new Uint8Array(CAPACITY_BYTES + 2 * CANARY_BYTES).fill(CANARY);
  readonly server: HvtServer;

  constructor() {
    const blocks = new MemoryBlocks(this.disk.subarray(CANARY_BYTES, CANARY_BYTES + CAPACITY_BYTES));
    const shape = { capacityBytes: CAPACITY_BYTES, blockBytes: BLOCK_BYTES };
    const devices: HvtDevices = {
      console: this.console,
      clock: { nowNs: () => NOW_NS },
      block: new Map([[BLOCK_HANDLE, new BlockDevice(blocks, shape)]]),
      net: new Map([[NET_HANDLE, new NetDevice(this.frames, { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), mtu: MTU })]]),
    };
    this.server = new HvtServer(this.memory, devices);
  }

  /** Writes a request of words of 64 bits, and serves it. */
  serve(number: number, pointer: number, ...words: readonly bigint[]): boolean {
    const request = this.memory.own(guestAddress(pointer), 8 * words.length);
    for (const [index, word] of words.entries()) request.setU64(8 * index, word);
    return this.server.serve(number, pointer);
  }

  put(address: number, bytes: Uint8Array): void {
    this.memory.own(guestAddress(address), bytes.length).bytes.set(bytes);
  }

  get(address: number, length: number): Uint8Array {
    return this.memory.own(guestAddress(address), length).bytes.slice();
  }

  word(address: number): bigint {
    return this.memory.own(guestAddress(address), 8).bigU64(0);
  }

  result(address: number): number {
    return this.memory.own(guestAddress(address), 4).i32(0);
  }

  /** Whether nothing outside the block device was written. */
  canariesAreWhole(): boolean {
    const edges = [this.disk.subarray(0, CANARY_BYTES), this.disk.subarray(-CANARY_BYTES)];
    return edges.every((edge) => edge.every((byte) => byte === CANARY));
  }
}
