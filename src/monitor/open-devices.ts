import { close as closeDescriptor, closeSync, constants, fstatSync, openSync } from "node:fs";
import { isOpen, seekableBytes, statusFlags } from "../host/libc.ffi.ts";
import { createTap, INTERFACE_NAME_MAX, isPlainTap, openTap, type TapRefusal } from "../host/tap.ffi.ts";
import {
  BLOCK_BYTES_MAX,
  BLOCK_BYTES_MIN,
  type BlockOptions,
  isBlockBytes,
  isHostAddress,
  isStationMac,
  type NetOptions,
} from "./device-options.ts";
import { UsageError } from "./error.ts";
import type { MatchedDevice } from "./match-devices.ts";

/** A device's backend on this host, open. */
export type OpenDevice =
  | {
      readonly type: "net";
      readonly index: number;
      readonly name: string;
      readonly descriptor: number;
      readonly mac: Uint8Array | undefined;
    }
  | {
      readonly type: "block";
      readonly index: number;
      readonly name: string;
      readonly descriptor: number;
      readonly capacityBytes: number;
      readonly blockBytes: number;
    };

export interface OpenDevices {
  readonly devices: readonly OpenDevice[];
  /** Closes what was opened here; inherited descriptors stay as they are. */
  readonly close: () => void;
  /**
   * The same without holding this thread: the host takes tens of milliseconds for a tap that goes with its descriptor.
   * @param then called afterwards, never before this returns.
   */
  readonly closeAside: (then: () => void) => void;
}

/** Opens the backends of all devices, or none: a `UsageError` leaves nothing open. */
export function openDevices(matched: readonly MatchedDevice[]): OpenDevices {
  const opened: number[] = [];
  const close = () => {
    for (const descriptor of opened) closeSync(descriptor);
  };
  try {
    const devices = matched.map((match) => {
      const { device } = match;
      const named = { index: device.index, name: device.name };
      return "net" in match
        ? { type: "net" as const, ...named, ...attachNet(device.name, match.net, opened) }
        : { type: "block" as const, ...named, ...attachBlock(device.name, match.block, opened) };
    });
    refuseShared(devices);
    return { devices, close, closeAside: (then) => closeAside(opened, then) };
  } catch (error) {
    close();
    throw error;
  }
}

function closeAside(descriptors: readonly number[], then: () => void): void {
  if (descriptors.length === 0) process.nextTick(then);
  let left = descriptors.length;
  const closed = () => {
    left--;
    if (left === 0) then();
  };
  // Linux gives a descriptor back whatever it says of that (close(2)).
  for (const descriptor of descriptors) closeDescriptor(descriptor, closed);
}

/** Refuses two devices on one descriptor. */
export function refuseShared(devices: readonly OpenDevice[]): void {
  const owners = new Map<number, string>();
  for (const { descriptor, name } of devices) {
    const owner = owners.get(descriptor);
    if (owner !== undefined) {
      throw new UsageError(
        `'${owner}' and '${name}' are both attached to descriptor ${descriptor}; give each device one of its own`,
      );
    }
    owners.set(descriptor, name);
  }
}

/** What Linux takes (net/core/dev.c, `dev_valid_name`), less `%`, by which the kernel would choose a number. */
const INTERFACE_NAME = /^(?!\.{1,2}$)[^\s/:%]+$/;

function attachNet(name: string, { tap, mac, host }: NetOptions, opened: number[]) {
  if (mac !== undefined && !isStationMac(mac)) {
    throw new UsageError(`--net ${name}=${tap}: the MAC must have six bytes, the first of them even`);
  }
  if (host !== undefined && !isHostAddress(host)) {
    throw new UsageError(`--net ${name}=${tap}: the host's address must have four bytes, its network 1 to 31 bits`);
  }
  if (typeof tap === "number") {
    requireOpen("--net", name, tap);
    if (!isPlainTap(tap)) {
      throw new UsageError(
        `--net ${name}=@${tap}: the descriptor is not a tap without packet information; open it with IFF_TAP | IFF_NO_PI`,
      );
    }
    return { descriptor: tap, mac };
  }
  if (Buffer.byteLength(tap) > INTERFACE_NAME_MAX || !INTERFACE_NAME.test(tap)) {
    throw new UsageError(
      `--net ${name}=${tap}: an interface's name has at most ${INTERFACE_NAME_MAX} bytes, none of them a space, /, : or %; e.g. tap0`,
    );
  }
  const opening = host === undefined ? openTap(tap) : createTap(tap, host);
  if ("refusal" in opening) throw new UsageError(`--net ${name}=${tap}: ${TAP_MEND[opening.refusal](tap)}`);
  opened.push(opening.descriptor);
  return { descriptor: opening.descriptor, mac };
}

const TAP_MEND: Readonly<Record<TapRefusal, (tap: string) => string>> = {
  absent: (tap) =>
    `there is no such interface; have it made with ${tap},host=10.0.0.1/24, or make it with 'ip tuntap add ${tap} mode tap && ip link set ${tap} up'`,
  down: (tap) => `the interface is down; bring it up with 'ip link set ${tap} up'`,
  busy: () => "something is attached to that tap already; give each device a tap of its own",
  "no rights": (tap) =>
    `no right to attach; run as root, or make the tap yours with 'ip tuntap add ${tap} mode tap user $USER'`,
  "not a tap": (tap) => `${tap} is not a plain tap; name one, or make one with 'ip tuntap add NAME mode tap'`,
  exists: () => "that interface exists already; leave host= out, or give the new tap another name",
  "tun device closed": () =>
    "this user may not open /dev/net/tun; run as root, or give everyone the right with 'chmod 666 /dev/net/tun'",
  "no tun device": () => "this host has no /dev/net/tun; load it with 'modprobe tun'",
};

function attachBlock(name: string, options: BlockOptions, opened: number[]) {
  const { file, blockBytes = BLOCK_BYTES_MIN } = options;
  const where = `--block ${name}=${typeof file === "number" ? `@${file}` : file}`;
  if (options.capacityBytes !== undefined) {
    throw new UsageError(`${where}: capacity= is for skiff build; leave it out, the file's size counts`);
  }
  if (!isBlockBytes(blockBytes)) {
    throw new UsageError(
      `${where}: sectors of ${blockBytes} bytes; give a power of two from ${BLOCK_BYTES_MIN} to ${BLOCK_BYTES_MAX}`,
    );
  }
  const descriptor = typeof file === "number" ? file : openBlockFile(where, file);
  if (typeof file !== "number") opened.push(descriptor);
  requireOpen("--block", name, descriptor);
  const flags = statusFlags(descriptor) ?? 0;
  if ((flags & (ACCESS_MODE | constants.O_APPEND)) !== constants.O_RDWR) {
    throw new UsageError(
      `${where}: the descriptor must be open for reading and writing, not appending, e.g. ${descriptor}<>disk.img`,
    );
  }
  const capacityBytes = blockCapacity(where, descriptor, typeof file === "number");
  if (capacityBytes < blockBytes || capacityBytes % blockBytes !== 0) {
    throw new UsageError(
      `${where}: its ${capacityBytes} bytes are not a whole number of ${blockBytes}-byte sectors; make it so with truncate -s, or choose another sector=`,
    );
  }
  return { descriptor, capacityBytes, blockBytes };
}

const ACCESS_MODE = 3;

function blockCapacity(where: string, descriptor: number, inherited: boolean): number {
  const status = fstatSync(descriptor);
  const bytes = status.isFile() || status.isBlockDevice() ? seekableBytes(descriptor) : undefined;
  if (bytes !== undefined) return bytes;
  // A number that the user did not open may be one of Node's own descriptors.
  const mend = inherited
    ? `let the shell open one, e.g. ${descriptor}<>disk.img`
    : "make one with truncate -s 64M disk.img";
  throw new UsageError(`${where}: that is neither a file nor a block device; ${mend}`);
}

function openBlockFile(where: string, path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const mend = BLOCK_MEND[code];
    if (mend === undefined) throw error;
    throw new UsageError(`${where}: ${mend}`, { cause: error });
  }
}

const BLOCK_MEND: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file; make one with truncate -s 64M and its name",
  ENOTDIR: "there is no such file; a part of the path is not a directory",
  EACCES: "no right to read and write it; change that with chmod or chown",
  EPERM: "no right to write it; is it immutable?",
  EROFS: "its file system is mounted read-only; copy the file elsewhere",
  EISDIR: "that is a directory; give the path of a file in it",
  ENXIO: "that is neither a file nor a block device",
  ETXTBSY: "that is a program that runs; give another file",
};

function requireOpen(option: string, name: string, descriptor: number): void {
  if (!isOpen(descriptor)) {
    throw new UsageError(
      `${option} ${name}=@${descriptor}: descriptor ${descriptor} is not open; let the shell open it, e.g. ${descriptor}<>FILE`,
    );
  }
}
