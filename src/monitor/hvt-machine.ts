import { HvtServer, LOWEST_IMAGE_ADDRESS, MEMORY_BYTES_MAX, STATUS_ABORT } from "../abi/hvt.ts";
import {
  BOOT_INFORMATION_ADDRESS,
  bootInformation,
  COMMAND_LINE_BYTES,
  type HvtBoot,
  type HvtDeviceShape,
} from "../abi/hvt-boot.ts";
import { NET_RING_ADDRESS, prepareNetRing, RING_BYTES } from "../abi/hvt-ring.ts";
import { trapRegisters } from "../abi/hvt-trap.ts";
import type { BlockDevice } from "../device/block.ts";
import type { WallClock } from "../device/clock.ts";
import type { Console } from "../device/console.ts";
import type { NetDevice } from "../device/net.ts";
import { type DebugHit, describeFault, type Engine, type GuestStart, type Registers } from "../engine/engine.ts";
import type { Architecture, Image, Rights } from "../format/image.ts";
import { BYTES_PER_MIB, minimumMemoryMib } from "../format/memory.ts";
import { guestAddress } from "../memory/address.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { type Mapping, PAGE_BYTES } from "../memory/page-table/mapping.ts";
import { wholePages } from "../memory/page-table/tables.ts";
import { LostThreadError, UsageError } from "./error.ts";
import { SegmentLoader } from "./load-segments.ts";

/** A guest of the `hvt` ABI; imports nothing of Node's, so that every engine can have one anywhere. */
export interface HvtMachineOptions {
  readonly image: Image;
  /** The guest's command line, as `commandLine` makes it. */
  readonly commandLine: Uint8Array;
  readonly console: Console;
  readonly clock: WallClock;
  /** By their index in the manifest. */
  readonly block: ReadonlyMap<number, BlockDevice>;
  readonly net: ReadonlyMap<number, NetDevice>;
}

/** Why a machine's run came to its end. */
export type MachineStop =
  /** The guest exited; 0 to 255. */
  | { readonly type: "exit"; readonly status: number }
  /** The guest waits for a frame, so long at most: `endWait`, then `run`. */
  | { readonly type: "wait"; readonly timeoutNs: number }
  /** The time slice is used, a signal came, or the guest writes much: `run` goes on. */
  | { readonly type: "interrupted" }
  /** The guest cannot go on; the reason is the rest of a sentence whose subject it is. */
  | { readonly type: "broken"; readonly reason: string }
  /** Only where a debugger asked the engine for it. */
  | { readonly type: "debug"; readonly hit: DebugHit };

/** How a guest's last run left it. */
export interface GuestState {
  readonly architecture: Architecture;
  readonly registers: Registers;
  readonly memory: GuestMemory;
  /** As Linux numbers signals: SIGABRT where the guest halted, SIGSEGV where it could not go on. */
  readonly signal: number;
}

/** A guest's network ring, which another thread serves while the guest runs. */
export interface ServedRing {
  /** Why the guest cannot go on, as `MachineStop` has it; the run that it is in is interrupted then. */
  readonly broken: string | undefined;
  /** A line that says why nobody serves it any more; likewise. */
  readonly lost: string | undefined;
  /** Once it returns, nobody touches the guest's memory any more. */
  readonly close: () => void;
}

const SIGABRT = 6;
const SIGSEGV = 11;
const NS_PER_MS = 1e6;
const INTERRUPTED: MachineStop = { type: "interrupted" };

/** One guest with its memory, processor and devices: a computation that stops and can be taken up again. */
export class HvtMachine {
  readonly #engine: Engine;
  readonly #server: HvtServer;
  readonly #architecture: Architecture;
  readonly #boot: HvtBoot;
  readonly #loader: SegmentLoader;
  #ring: ServedRing | undefined;

  /** @param engine fresh, with at least the memory that `checkMemory` asks for; `close` closes it. */
  constructor(engine: Engine, options: HvtMachineOptions) {
    const { image, commandLine, block, net } = options;
    this.#engine = engine;
    this.#architecture = image.architecture;
    this.#server = new HvtServer(engine.memory, options);
    this.#loader = new SegmentLoader(engine, image.segments);
    this.#boot = {
      memoryBytes: engine.memory.sizeBytes,
      imageEnd: image.endAddress,
      counterHz: engine.counterHz,
      manifest: image.manifest.bytes,
      devices: shapes(block, net),
      commandLine,
    };
    const bootBytes = this.#writeBoot(this.#boot);
    engine.start(guestStart(image, engine.memory.sizeBytes, bootBytes, net.size > 0));
  }

  #writeBoot(boot: HvtBoot): number {
    const bytes = bootInformation(boot);
    this.#engine.memory.own(BOOT_INFORMATION_ADDRESS, bytes.length).bytes.set(bytes);
    return bytes.length;
  }

  /** How often the guest made each hypercall, by its number. */
  get calls(): Readonly<Float64Array> {
    return this.#server.calls;
  }

  /** Tells the guest of its network ring at `NET_RING_ADDRESS`. Before the first run, of a machine with net devices. */
  offerRing(ring: ServedRing): void {
    prepareNetRing(this.#engine.memory);
    this.#writeBoot({ ...this.#boot, netRing: NET_RING_ADDRESS });
    this.#ring = ring;
  }

  /**
   * Runs the guest from where it is until it stops. Not again once it has exited or broken.
   * @param sliceNs as `Engine.run` takes it.
   * @throws {LostThreadError} where nobody serves its network ring any more, HostError where the host cannot run it.
   */
  run(sliceNs?: number): MachineStop {
    this.#requireRing();
    const leftNs = this.#loader.isDone ? sliceNs : this.#loadFor(sliceNs);
    if (leftNs === 0 || !this.#server.goOn()) return INTERRUPTED;
    const stop = this.#engine.run(this.#server, leftNs);
    this.#requireRing();
    const broken = this.#ring?.broken;
    if (broken !== undefined) return { type: "broken", reason: broken };
    if (stop.type === "interrupted") return INTERRUPTED;
    if (stop.type === "debug") return stop;
    if (stop.type === "fault") return { type: "broken", reason: `was ended by ${describeFault(stop.fault)}` };
    const served = this.#server.stop;
    switch (served?.type) {
      case "halt":
        return { type: "exit", status: served.status & 0xff };
      case "text":
        return INTERRUPTED;
      case "wait":
        return served;
      case "broken":
        return { type: "broken", reason: `${served.reason}, at pc 0x${this.#engine.pc().toString(16)}` };
      case undefined:
        throw new Error("the engine stopped for a hypercall that let it go on");
    }
  }

  /** Loads what is not loaded yet of the image, at once; else the first runs do, in their time. */
  load(): void {
    this.#loader.goOn();
  }

  /** @returns what is left of the slice; 0 where it was used up. */
  #loadFor(sliceNs: number | undefined): number | undefined {
    if (sliceNs === undefined) {
      this.load();
      return undefined;
    }
    const endMs = performance.now() + sliceNs / NS_PER_MS;
    this.#loader.goOn(endMs);
    return this.#loader.isDone ? Math.max(0, (endMs - performance.now()) * NS_PER_MS) : 0;
  }

  #requireRing(): void {
    const lost = this.#ring?.lost;
    if (lost !== undefined) throw new LostThreadError(lost);
  }

  /**
   * Ends a wait.
   * @param ready a bit for each net device that has a frame, by its index in the manifest; 0 where the time is up.
   */
  endWait(ready: bigint): void {
    this.#server.endWait(ready);
  }

  /** After the guest's last run; where its bindings tell of a trap, with the registers that the trap found. */
  lastState(): GuestState {
    const registers = this.#engine.registers();
    const halt = this.#server.stop?.type === "halt" ? this.#server.stop : undefined;
    const cookie = halt?.status === STATUS_ABORT ? halt.cookie : undefined;
    return {
      architecture: this.#architecture,
      registers: new Map([...registers, ...(cookie === undefined ? [] : trapRegisters(this.#architecture, cookie))]),
      memory: this.#engine.memory,
      signal: halt === undefined ? SIGSEGV : SIGABRT,
    };
  }

  close(): void {
    this.#ring?.close();
    this.#engine.close();
  }
}

/** The words as the guest gets them. @throws {UsageError} where they are too long. */
export function commandLine(words: readonly string[]): Uint8Array {
  const bytes = new TextEncoder().encode(words.join(" "));
  if (bytes.length < COMMAND_LINE_BYTES) return bytes;
  throw new UsageError(
    `the guest's command line has ${bytes.length} bytes, at most ${COMMAND_LINE_BYTES - 1} fit; give it shorter arguments`,
  );
}

/** The most memory that someone can have a guest have. */
export interface MemoryLimit {
  /** e.g. `the emulator` */
  readonly whose: string;
  readonly bytes: number;
}

const ABI_LIMIT: MemoryLimit = { whose: "a guest of the hvt ABI", bytes: MEMORY_BYTES_MAX };

/** @throws {UsageError} where the image cannot run with so much memory. */
export function checkMemory(image: Image, memoryMib: number, { whose, bytes }: MemoryLimit = ABI_LIMIT): void {
  const least = minimumMemoryMib(image);
  const most = Math.floor(bytes / BYTES_PER_MIB);
  if (memoryMib < least) {
    throw new UsageError(`--mem ${memoryMib}: the image needs at least ${least} MiB; give it --mem ${least} or more`);
  }
  if (memoryMib > most) {
    throw new UsageError(`--mem ${memoryMib}: ${whose} can have ${most} MiB at most; give it --mem ${most}`);
  }
}

function shapes(
  block: ReadonlyMap<number, BlockDevice>,
  net: ReadonlyMap<number, NetDevice>,
): readonly HvtDeviceShape[] {
  return [
    ...[...block].map(([index, { capacityBytes, blockBytes }]) => ({
      type: "block" as const,
      index,
      capacityBytes,
      blockBytes,
    })),
    ...[...net].map(([index, { mac, mtu }]) => ({ type: "net" as const, index, mac, mtu })),
  ];
}

/** The image's segments with their rights, the network ring where there is one, and heap and stack from the last one's last page to the end of memory. */
function guestStart(image: Image, memoryBytes: number, bootBytes: number, hasRing: boolean): GuestStart {
  const mappings: Mapping[] = [
    { ...wholePages(BOOT_INFORMATION_ADDRESS, BOOT_INFORMATION_ADDRESS + bootBytes), access: "read" },
  ];
  if (hasRing) mappings.push({ ...wholePages(NET_RING_ADDRESS, NET_RING_ADDRESS + RING_BYTES), access: "read-write" });
  let end = guestAddress(LOWEST_IMAGE_ADDRESS);
  for (const { address, memoryBytes: bytes, rights } of image.segments) {
    const pages = wholePages(address, address + bytes);
    const access = accessOf(rights);
    if (access !== undefined) mappings.push({ ...pages, access });
    end = pages.end;
  }
  if (memoryBytes - end >= PAGE_BYTES) {
    mappings.push({ start: end, end: guestAddress(memoryBytes), access: "read-write" });
  }
  return {
    entry: guestAddress(image.entry),
    stackPointer: guestAddress(memoryBytes),
    argument: BOOT_INFORMATION_ADDRESS,
    mappings,
  };
}

/** No page can be written or executed without being read; one without any right is left out. */
function accessOf({ read, write, execute }: Rights): Mapping["access"] | undefined {
  if (write) return "read-write";
  if (execute) return "read-execute";
  return read ? "read" : undefined;
}
