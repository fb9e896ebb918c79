import { spawnSync } from "node:child_process";
import { openSync } from "node:fs";
import koffi from "koffi";

/** Linux include/uapi/linux/if_tun.h: _IOW('T', 202, int); a tap without packet information. */
const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI = 0x1002;
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_OFFSET = 16;

const ioctl = koffi.load("libc.so.6").func("int ioctl(int fd, unsigned long request, void *argument)");

/** Makes a tap, which lives as long as the descriptor is open, gives it an address and sets it up. */
export function makeTap(name: string, address: string): number {
  const descriptor = openSync("/dev/net/tun", "r+");
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name);
  request.writeUInt16LE(IFF_TAP_NO_PI, IFREQ_FLAGS_OFFSET);
  if (ioctl(descriptor, TUNSETIFF, request) !== 0) throw new Error(`TUNSETIFF failed with errno ${koffi.errno()}`);
  ip("address", "add", address, "dev", name);
  ip("link", "set", name, "up");
  return descriptor;
}

export function ip(...args: string[]): string {
  const result = spawnSync("ip", args, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`ip ${args.join(" ")}: ${result.stderr}`);
  return result.stdout;
}
