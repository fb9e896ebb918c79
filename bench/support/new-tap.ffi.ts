import { constants, openSync } from "node:fs";
import koffi from "koffi";

// Linux include/uapi/linux/if_tun.h; `struct ifreq` has 40 bytes, the flags at 16.
const TUNSETIFF = 0x4004_54ca;
const IFF_TAP_NO_PI = 0x1002;
const ioctl = koffi.load(null).func("int ioctl(int, unsigned long, void *)");

/** Makes a tap that goes when its descriptor is closed. */
export function openNewTap(name: string): number {
  const descriptor = openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK);
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode(name).subarray(0, 15));
  new DataView(request.buffer).setUint16(16, IFF_TAP_NO_PI, true);
  if (ioctl(descriptor, TUNSETIFF, request) < 0)
    throw new Error(`TUNSETIFF ${name} failed with errno ${koffi.errno()}`);
  return descriptor;
}
