import type { TapAddress } from "../host/tap.ffi.ts";
import { UsageError } from "./error.ts";

/** What a net device is attached to. */
export interface NetOptions {
  /** Name of a tap, or the number of an inherited descriptor that is one. */
  readonly tap: string | number;
  /** Six bytes; drawn at start where it is left out. */
  readonly mac?: Uint8Array;
  /** Makes the tap, which must not exist, with this address of the host's; it goes when the guest ends. */
  readonly host?: TapAddress;
}

/** What a block device is attached to. */
export interface BlockOptions {
  /** Path of a file or block device, or the number of an inherited descriptor, open for reading and writing. */
  readonly file: string | number;
  /** Bytes of one read or write: a power of two, 512 to 32768; 512 where it is left out. */
  readonly blockBytes?: number;
  /** Only for `skiff build`: the capacity that the executable is made for, in bytes. */
  readonly capacityBytes?: number;
}

/** Of a guest, unless it is told otherwise. */
export const MEMORY_MIB_DEFAULT = 512;

const DEVICE_NAME = /^[A-Za-z0-9]+$/;
/** The guest's console is descriptor 1, and a process owns the other two from its start. */
const FIRST_DEVICE_DESCRIPTOR = 3;
const DESCRIPTOR_MAX = 2 ** 20;
export const BLOCK_BYTES_MIN = 512;
/** The ABI holds it in 16 bits (Solo5 v0.12, `include/mft_abi.h`, `struct mft_block_basic`). */
export const BLOCK_BYTES_MAX = 32768;

/** Reads `NAME=TAP|@N[,mac=XX:XX:XX:XX:XX:XX][,host=A.B.C.D/N]`, the value of `--net`. */
export function parseNetOption(text: string): [name: string, options: NetOptions] {
  const { name, backend, settings } = splitOption("--net", text, "service=tap0", ["mac", "host"]);
  const tap = parseDescriptor("--net", text, backend) ?? backend;
  const mac = settings.get("mac");
  const host = settings.get("host");
  if (host !== undefined && typeof tap === "number") {
    throw new UsageError(`--net ${text}: host= makes a tap, and needs a name for it: ${name}=tap0,host=${host}`);
  }
  return [
    name,
    {
      tap,
      ...(mac === undefined ? {} : { mac: parseMac(mac) }),
      ...(host === undefined ? {} : { host: parseHostAddress(host) }),
    },
  ];
}

/** Reads `NAME=PATH|@N[,sector=BYTES][,capacity=BYTES]`, the value of `--block`. */
export function parseBlockOption(text: string): [name: string, options: BlockOptions] {
  const { name, backend, settings } = splitOption("--block", text, "storage=disk.img", ["sector", "capacity"]);
  const file = parseDescriptor("--block", text, backend) ?? backend;
  const sector = settings.get("sector");
  const capacity = settings.get("capacity");
  const options: BlockOptions = {
    file,
    ...(sector === undefined ? {} : { blockBytes: parseBlockBytes(sector) }),
    ...(capacity === undefined ? {} : { capacityBytes: parseBytes("capacity", capacity) }),
  };
  return [name, options];
}

/** Reads `--mem`, in MiB. */
export function parseMemory(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new UsageError(`--mem ${text}: give a whole number of MiB, e.g. --mem 64`);
  return Number(text);
}

interface SplitOption {
  readonly name: string;
  readonly backend: string;
  readonly settings: ReadonlyMap<string, string>;
}

function splitOption(option: string, text: string, example: string, known: readonly string[]): SplitOption {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(equals, 0));
  const [backend = "", ...rest] = text.slice(equals + 1).split(",");
  if (!DEVICE_NAME.test(name) || backend === "") {
    throw new UsageError(
      `${option} ${text}: give the device's name and what it is attached to, e.g. ${option} ${example}`,
    );
  }
  const settings = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf("=");
    const key = part.slice(0, Math.max(equals, 0));
    const value = part.slice(equals + 1);
    if (!known.includes(key) || value === "" || settings.has(key)) {
      const valid = known.map((word) => `${word}=…`).join(" or ");
      throw new UsageError(
        `${option} ${text}: '${part}' is not understood there; after a comma stands ${valid}, once each`,
      );
    }
    settings.set(key, value);
  }
  return { name, backend, settings };
}

/** `@N`; undefined where the backend is a name. */
function parseDescriptor(option: string, text: string, backend: string): number | undefined {
  if (!backend.startsWith("@")) return undefined;
  const descriptor = /^@[0-9]{1,7}$/.test(backend) ? Number(backend.slice(1)) : Number.NaN;
  if (!(descriptor >= FIRST_DEVICE_DESCRIPTOR && descriptor <= DESCRIPTOR_MAX)) {
    throw new UsageError(
      `${option} ${text}: give the number of an inherited descriptor from @3 up; 0 to 2 are standard input and output`,
    );
  }
  return descriptor;
}

/** Whether a MAC can be a station's: of six bytes, not all zero, and no group's (IEEE 802, section 8.2). */
export function isStationMac(mac: Uint8Array): boolean {
  return mac.length === 6 && ((mac[0] ?? 0) & 1) === 0 && mac.some((byte) => byte !== 0);
}

/** Whether the ABI can tell a guest of sectors of that size. */
export function isBlockBytes(bytes: number): boolean {
  return bytes >= BLOCK_BYTES_MIN && bytes <= BLOCK_BYTES_MAX && Number.isInteger(Math.log2(bytes));
}

function parseMac(text: string): Uint8Array {
  const bytes = text.split(":").map((part) => (/^[0-9a-fA-F]{2}$/.test(part) ? Number.parseInt(part, 16) : Number.NaN));
  if (bytes.length !== 6 || bytes.some(Number.isNaN)) {
    throw new UsageError(`mac=${text}: give six bytes in hexadecimal, e.g. mac=02:00:00:00:00:01`);
  }
  if (!isStationMac(Uint8Array.from(bytes))) {
    throw new UsageError(
      `mac=${text}: that is no station's address; the first byte must be even, and not all zero, e.g. mac=02:00:00:00:00:01`,
    );
  }
  return Uint8Array.from(bytes);
}

/** Whether a host can have that address on a network of other hosts (RFC 6890: not "this network", loopback, multicast). */
export function isHostAddress({ address, prefixBits }: { address: ArrayLike<number>; prefixBits: number }): boolean {
  const first = address[0] ?? 0;
  const unicast = first !== 0 && first !== 127 && first < 224;
  return address.length === 4 && unicast && Number.isInteger(prefixBits) && prefixBits >= 1 && prefixBits <= 31;
}

function parseHostAddress(text: string): TapAddress {
  const [dotted = "", prefix = "", ...rest] = text.split("/");
  const parts = dotted.split(".").map((part) => (/^(0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : Number.NaN));
  const prefixBits = /^[0-9]{1,2}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (rest.length > 0 || !parts.every((part) => part <= 255) || !isHostAddress({ address: parts, prefixBits })) {
    throw new UsageError(`host=${text}: give the host's IPv4 address and its network's bits, e.g. host=10.0.0.1/24`);
  }
  return { address: Uint8Array.from(parts), prefixBits };
}

function parseBlockBytes(text: string): number {
  const bytes = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!isBlockBytes(bytes)) {
    throw new UsageError(`sector=${text}: give a power of two from ${BLOCK_BYTES_MIN} to ${BLOCK_BYTES_MAX}`);
  }
  return bytes;
}

const FACTOR = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 } as const;

function parseBytes(key: string, text: string): number {
  const match = /^([1-9][0-9]{0,11})([KMG]?)$/.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * FACTOR[match[2] as keyof typeof FACTOR];
  if (!Number.isSafeInteger(bytes)) {
    throw new UsageError(`${key}=${text}: give a number of bytes below 2^53, with K, M or G for powers of 1024`);
  }
  return bytes;
}
