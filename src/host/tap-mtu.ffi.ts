import { closeSync } from "node:fs";
import { HostError } from "./error.ts";
import { interfaceSocket, ioctlErrno } from "./libc.ffi.ts";

// Linux include/uapi/linux/if.h (`struct ifreq`: name, then a union), if_tun.h, sockios.h.
const IFREQ_BYTES = 40;
const IFREQ_UNION_OFFSET = 16;
const TUNGETIFF = 0x8004_54d2;
const SIOCGIFMTU = 0x8921;

/** The MTU of the tap behind a descriptor. @throws {HostError} where it is no tap of this network namespace. */
export function tapMtu(descriptor: number): number {
  const request = new Uint8Array(IFREQ_BYTES);
  let errno = ioctlErrno(descriptor, TUNGETIFF, request);
  if (errno !== 0) throw new HostError("TUNGETIFF", errno, `descriptor ${descriptor}`);
  const socket = interfaceSocket();
  try {
    errno = ioctlErrno(socket, SIOCGIFMTU, request);
    if (errno !== 0) throw new HostError("SIOCGIFMTU", errno, `descriptor ${descriptor}`);
  } finally {
    closeSync(socket);
  }
  return new DataView(request.buffer).getInt32(IFREQ_UNION_OFFSET, true);
}
