import { BlockDevice, MemoryBlocks } from "../device/block.ts";
import type { DeviceBuffer } from "../device/buffer.ts";
import { MemoryFrames, NetDevice } from "../device/net.ts";
import { EMULATOR_MEMORY_BYTES_MAX, EmulatorEngine } from "../engine/emulator/engine.ts";
import type { Image, ManifestDevice } from "../format/image.ts";
import { BYTES_PER_MIB } from "../format/memory.ts";
import { BLOCK_BYTES_MIN, isBlockBytes, isStationMac } from "./device-options.ts";
import { UsageError } from "./error.ts";
import { checkMemory, commandLine, HvtMachine, type MachineStop } from "./hvt-machine.ts";

/** A disk in memory. */
export interface PortableDisk {
  /** Of whole sectors; the guest writes to it. */
  readonly bytes: Uint8Array;
  /** A power of two, 512 to 32768; 512 unless given. */
  readonly blockBytes?: number;
}

/** The other end of a net device. */
export interface PortableLink {
  /** Takes what the guest sends, Ethernet header and all; it must not block. */
  readonly send: (frame: Uint8Array) => void;
  /** Six bytes; drawn unless given. */
  readonly mac?: Uint8Array;
  /** 1500 unless given. */
  readonly mtu?: number;
}

export interface PortableOptions {
  /** An AArch64 image of the `hvt` ABI (`parseImage`). */
  readonly image: Image;
  /** Words of the guest's command line; joined by spaces, at most 8191 bytes. */
  readonly args?: readonly string[];
  /** Memory of the guest in MiB; 64 unless given. */
  readonly memoryMib?: number;
  /** Takes what the guest writes to its console, in the order in which it does. */
  readonly console?: (bytes: Uint8Array) => void;
  /** By their names in the manifest. */
  readonly block?: Readonly<Record<string, PortableDisk>>;
  readonly net?: Readonly<Record<string, PortableLink>>;
}

/** How a guest came to its end. */
export type PortableEnd =
  /** 0 to 255. */
  | { readonly type: "exit"; readonly status: number }
  /** It could not go on; the reason is the rest of a sentence whose subject it is. */
  | { readonly type: "broken"; readonly reason: string }
  /** By `stop`. */
  | { readonly type: "stopped" };

const MEMORY_MIB_DEFAULT = 64;
const MTU_DEFAULT = 1500;
/** RFC 791, section 3.2, and the length of a tap's frames. */
const MTU_MIN = 68;
const MTU_MAX = 65521;
const MAC_BYTES = 6;
/** How long the guest holds the event loop at a time. */
const TURN_NS = 5e6;
const NS_PER_MS = 1e6;
/** Longest delay of a timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * A guest in the emulator, wherever there is JavaScript with WebAssembly: in a page, in a worker, in Node. It runs in turns
 * on the event loop of whoever started it; its disks and links are in memory.
 */
export class PortableRun {
  /** Resolves once the guest has ended. */
  readonly ended: Promise<PortableEnd>;
  readonly #machine: HvtMachine;
  readonly #frames: ReadonlyMap<string, PortableFrames>;
  readonly #turns = new MessageChannel();
  #end: ((end: PortableEnd) => void) | undefined;
  #deadlineMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Loads the guest and starts it.
   * @throws {UsageError} where image and options do not fit, or there is no room for the memory.
   */
  static start(options: PortableOptions): PortableRun {
    return new PortableRun(options);
  }

  private constructor(options: PortableOptions) {
    const { image, args = [], memoryMib = MEMORY_MIB_DEFAULT } = options;
    requireImage(image);
    checkMemory(image, memoryMib, { whose: "a guest in the emulator", bytes: EMULATOR_MEMORY_BYTES_MAX });
    const words = commandLine(args);
    const block = attach(image, "block", options.block ?? {}, makeDisk);
    this.#frames = new Map(Object.entries(options.net ?? {}).map(([name, link]) => [name, new PortableFrames(link)]));
    const net = attach(image, "net", options.net ?? {}, (link, name) => makeNet(link, name, this.#frames));
    const write = ({ bytes }: DeviceBuffer) => options.console?.(bytes.slice());
    const devices = { console: { write }, clock: { nowNs: () => BigInt(Date.now()) * BigInt(NS_PER_MS) }, block, net };
    this.#machine = new HvtMachine(makeEngine(memoryMib), { image, commandLine: words, ...devices });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    // Pages and Node both have this setter, but only one of them in its types.
    Object.assign(this.#turns.port1, { onmessage: () => this.#turn() });
    this.#askForTurn();
  }

  /** Gives the guest a frame, Ethernet header and all, by the name of its net device. */
  deliver(name: string, frame: Uint8Array): void {
    const frames = this.#frames.get(name);
    if (frames === undefined) throw new UsageError(`deliver: the image has no net device '${name}'`);
    frames.waiting.push(frame.slice());
    if (this.#deadlineMs !== undefined) this.#look();
  }

  /** Ends the guest wherever it is. */
  stop(): void {
    this.#finish({ type: "stopped" });
  }

  /** Timers are held back where they follow one another; messages are not. */
  #askForTurn(): void {
    this.#turns.port2.postMessage(undefined);
  }

  #turn(): void {
    if (this.#end === undefined) return;
    this.#goOn(this.#machine.run(TURN_NS));
  }

  #goOn(stop: MachineStop): void {
    // The console's taker may have stopped it.
    if (this.#end === undefined) return;
    switch (stop.type) {
      case "interrupted":
        this.#askForTurn();
        break;
      case "wait":
        this.#deadlineMs = performance.now() + stop.timeoutNs / NS_PER_MS;
        this.#look();
        break;
      case "exit":
      case "broken":
        this.#finish(stop);
        break;
      case "debug":
        throw new Error("nobody debugs this guest");
    }
  }

  /** Ends the guest's wait where a frame is there or its time is up; else waits on. */
  #look(): void {
    clearTimeout(this.#timer);
    const deadline = this.#deadlineMs ?? 0;
    let ready = 0n;
    for (const { index, waiting } of this.#frames.values()) if (waiting.length > 0) ready |= 1n << BigInt(index);
    const leftMs = Math.ceil(deadline - performance.now());
    if (ready === 0n && leftMs > 0) {
      this.#timer = setTimeout(() => this.#look(), Math.min(leftMs, TIMER_MS_MAX));
      return;
    }
    this.#deadlineMs = undefined;
    this.#machine.endWait(ready);
    this.#askForTurn();
  }

  #finish(end: PortableEnd): void {
    const resolve = this.#end;
    if (resolve === undefined) return;
    this.#end = undefined;
    clearTimeout(this.#timer);
    this.#turns.port1.close();
    this.#machine.close();
    resolve(end);
  }
}

/** Frames for one guest, and those that it sends. */
class PortableFrames extends MemoryFrames {
  /** In the manifest. */
  index = 0;
  readonly #send: PortableLink["send"];

  constructor({ send }: PortableLink) {
    super();
    this.#send = send;
  }

  override send({ bytes }: DeviceBuffer): boolean {
    this.#send(bytes.slice());
    return true;
  }
}

function requireImage({ abi, architecture }: Image): void {
  if (abi === "hvt" && architecture === "aarch64") return;
  throw new UsageError(
    `image: it is for ${architecture} and the ${abi} ABI; the emulator runs images for aarch64 and the hvt ABI`,
  );
}

/** Devices of a type by their index in the manifest: every declared one, and nothing else. */
function attach<Options, Device>(
  image: Image,
  type: ManifestDevice["type"],
  given: Readonly<Record<string, Options>>,
  make: (options: Options, device: ManifestDevice) => Device,
): Map<number, Device> {
  const declared = image.manifest.devices.filter((device) => device.type === type);
  const unknown = Object.keys(given).find((name) => !declared.some((device) => device.name === name));
  if (unknown !== undefined) {
    const known = declared.map(({ name }) => name).join(", ") || "none";
    throw new UsageError(`${type}: the image has no ${type} device '${unknown}'; it declares ${known}`);
  }
  return new Map(
    declared.map((device) => {
      const options = given[device.name];
      if (options !== undefined) return [device.index, make(options, device)];
      throw new UsageError(`${type}: the image declares the ${type} device '${device.name}'; give it by that name`);
    }),
  );
}

function makeDisk({ bytes, blockBytes = BLOCK_BYTES_MIN }: PortableDisk, { name }: ManifestDevice): BlockDevice {
  if (!isBlockBytes(blockBytes) || bytes.length < blockBytes || bytes.length % blockBytes !== 0) {
    throw new UsageError(`block: '${name}' has ${bytes.length} bytes; give whole sectors of 512 to 32768 bytes`);
  }
  return new BlockDevice(new MemoryBlocks(bytes), { capacityBytes: bytes.length, blockBytes });
}

function makeNet(
  { mac = drawMac(), mtu = MTU_DEFAULT }: PortableLink,
  { name, index }: ManifestDevice,
  links: ReadonlyMap<string, PortableFrames>,
): NetDevice {
  const frames = links.get(name);
  if (frames === undefined) throw new Error("a link has no frames");
  if (!isStationMac(mac) || !Number.isInteger(mtu) || mtu < MTU_MIN || mtu > MTU_MAX) {
    throw new UsageError(
      `net: '${name}' needs a station's MAC of six bytes, the first of them even, and an MTU of ${MTU_MIN} to ${MTU_MAX}`,
    );
  }
  frames.index = index;
  return new NetDevice(frames, { mac, mtu });
}

/** A MAC of one station, locally administered (IEEE 802, section 8.4). */
function drawMac(): Uint8Array {
  const mac = crypto.getRandomValues(new Uint8Array(MAC_BYTES));
  mac[0] = ((mac[0] ?? 0) & 0xfe) | 0x02;
  return mac;
}

function makeEngine(memoryMib: number): EmulatorEngine {
  try {
    return new EmulatorEngine(memoryMib * BYTES_PER_MIB);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`memoryMib: there is no room for ${memoryMib} MiB; give less`, { cause: error });
  }
}
