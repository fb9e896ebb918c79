import { closeSync, constants, openSync } from "node:fs";
import { ERRNO } from "./errno.ts";
import { HostError } from "./error.ts";
import { interfaceSocket, ioctlErrno } from "./libc.ffi.ts";

// Linux include/uapi/linux/if.h (`struct ifreq`: name, then a union), if_tun.h, sockios.h.
const IFREQ_BYTES = 40;
const IFREQ_UNION_OFFSET = 16;
/** Longest interface name, without its terminator. */
export const INTERFACE_NAME_MAX = 15;
const IFREQ_ADDRESS_OFFSET = IFREQ_UNION_OFFSET + 4;
const AF_INET = 2;
const IFF_UP = 1;
const IFF_TAP = 2;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const IFF_TUN = 1;
const IFF_TUN_EXCL = 0x8000;
const TUNSETIFF = 0x4004_54ca;
const TUNGETIFF = 0x8004_54d2;
const TUNSETPERSIST = 0x4004_54cb;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const TUN_DEVICE = "/dev/net/tun";
const { ENODEV, EBUSY, EPERM, EINVAL } = ERRNO;

/** Why a tap cannot be attached; the caller words it for the user. */
export type TapRefusal =
  | "absent"
  | "down"
  | "busy"
  | "no rights"
  | "not a tap"
  | "tun device closed"
  | "no tun device"
  | "exists";

export type TapOpening = { readonly descriptor: number } | { readonly refusal: TapRefusal };

/**
 * Attaches to an existing tap of this network namespace; frames without packet information, non-blocking.
 * The check that it exists comes first: the kernel would make a missing one.
 */
export function openTap(name: string): TapOpening {
  const flags = interfaceFlags(name);
  if (flags === undefined) return { refusal: "absent" };
  if ((flags & IFF_UP) === 0) return { refusal: "down" };
  return attach(name, 0);
}

/** An IPv4 address of the host on a tap. */
export interface TapAddress {
  /** Four bytes. */
  readonly address: Uint8Array;
  /** Bits of the network's part, 0 to 32. */
  readonly prefixBits: number;
}

/**
 * Makes a tap that goes when its last descriptor is closed, however its owner ends, gives the host an address on it and
 * brings it up. An interface of that name must not exist.
 */
export function createTap(name: string, host: TapAddress): TapOpening {
  if (interfaceFlags(name) !== undefined) return { refusal: "exists" };
  const opening = attach(name, IFF_TUN_EXCL);
  if ("refusal" in opening) return opening.refusal === "busy" ? { refusal: "exists" } : opening;
  try {
    configure(name, host);
  } catch (error) {
    closeSync(opening.descriptor);
    throw error;
  }
  return opening;
}

function attach(name: string, flags: number): TapOpening {
  const descriptor = openTunDevice();
  if (typeof descriptor !== "number") return descriptor;
  const request = interfaceRequest(name);
  new DataView(request.buffer).setUint16(IFREQ_UNION_OFFSET, IFF_TAP | IFF_NO_PI | flags, true);
  const errno = ioctlErrno(descriptor, TUNSETIFF, request);
  if (errno === 0) return { descriptor };
  closeSync(descriptor);
  if (errno === EBUSY) return { refusal: "busy" };
  if (errno === EPERM) return { refusal: "no rights" };
  if (errno === EINVAL) return { refusal: "not a tap" };
  throw new HostError("TUNSETIFF", errno, name);
}

/** netdevice(7): address, netmask, then up. */
function configure(name: string, { address, prefixBits }: TapAddress): void {
  const socket = interfaceSocket();
  const set = (call: string, request: number, argument: Uint8Array) => {
    const errno = ioctlErrno(socket, request, argument);
    if (errno !== 0) throw new HostError(call, errno, name);
  };
  try {
    set("SIOCSIFADDR", SIOCSIFADDR, addressRequest(name, address));
    set("SIOCSIFNETMASK", SIOCSIFNETMASK, addressRequest(name, netmask(prefixBits)));
    const up = interfaceRequest(name);
    new DataView(up.buffer).setUint16(IFREQ_UNION_OFFSET, (interfaceFlags(name) ?? 0) | IFF_UP, true);
    set("SIOCSIFFLAGS", SIOCSIFFLAGS, up);
  } finally {
    closeSync(socket);
  }
}

/** `struct sockaddr_in` in an `ifreq`: family, port, then the address. */
function addressRequest(name: string, address: Uint8Array): Uint8Array {
  const request = interfaceRequest(name);
  new DataView(request.buffer).setUint16(IFREQ_UNION_OFFSET, AF_INET, true);
  request.set(address, IFREQ_ADDRESS_OFFSET);
  return request;
}

function netmask(prefixBits: number): Uint8Array {
  const mask = new Uint8Array(4);
  new DataView(mask.buffer).setUint32(0, prefixBits === 0 ? 0 : (0xffff_ffff << (32 - prefixBits)) >>> 0);
  return mask;
}

/** Lets a tap stay when its last descriptor is closed, until its namespace goes or `ip link delete` removes it. */
export function keepTap(descriptor: number): void {
  // The kernel looks at the argument itself: any but zero says yes.
  const errno = ioctlErrno(descriptor, TUNSETPERSIST, new Uint8Array(1));
  if (errno !== 0) throw new HostError("TUNSETPERSIST", errno);
}

/**
 * Whether the descriptor is a tap whose frames come without a virtio header, and, where the kernel tells it, without
 * packet information: without a socket filter on the tap it gives IFF_NOFILTER in the bit of IFF_NO_PI.
 */
export function isPlainTap(descriptor: number): boolean {
  const request = new Uint8Array(IFREQ_BYTES);
  if (ioctlErrno(descriptor, TUNGETIFF, request) !== 0) return false;
  const flags = new DataView(request.buffer).getUint16(IFREQ_UNION_OFFSET, true);
  return (flags & (IFF_TUN | IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) === (IFF_TAP | IFF_NO_PI);
}

function openTunDevice(): number | { readonly refusal: TapRefusal } {
  try {
    return openSync(TUN_DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENODEV" || code === "ENXIO") return { refusal: "no tun device" };
    if (code === "EACCES" || code === "EPERM") return { refusal: "tun device closed" };
    throw error;
  }
}

/** Flags of an interface of this network namespace (netdevice(7), SIOCGIFFLAGS); undefined where there is none. */
function interfaceFlags(name: string): number | undefined {
  const socket = interfaceSocket();
  try {
    const request = interfaceRequest(name);
    const errno = ioctlErrno(socket, SIOCGIFFLAGS, request);
    if (errno === ENODEV) return undefined;
    if (errno !== 0) throw new HostError("SIOCGIFFLAGS", errno, name);
    return new DataView(request.buffer).getUint16(IFREQ_UNION_OFFSET, true);
  } finally {
    closeSync(socket);
  }
}

function interfaceRequest(name: string): Uint8Array<ArrayBuffer> {
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode(name).subarray(0, INTERFACE_NAME_MAX));
  return request;
}
