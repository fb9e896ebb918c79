import { constants, openSync } from "node:fs";
import koffi from "koffi";

// Linux include/uapi/linux/if_tun.h.
const TUNSETIFF = 0x4004_54ca;
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_OFFSET = 16;

export const TUN_FLAGS = { tun: 1, tap: 2, noPacketInformation: 0x1000, virtioHeader: 0x4000 } as const;

const ioctl = koffi.load(null).func("int ioctl(int, unsigned long, void *)");

/** Opens an interface of this namespace as a tap or otherwise; where there is none, it lives as long as the descriptor. */
export function attachTun(name: string, flags: number = TUN_FLAGS.tap | TUN_FLAGS.noPacketInformation): number {
  const descriptor = openSync("/dev/net/tun", constants.O_RDWR);
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name);
  request.writeUInt16LE(flags, IFREQ_FLAGS_OFFSET);
  if (ioctl(descriptor, TUNSETIFF, request) !== 0) throw new Error(`TUNSETIFF ${name}: errno ${koffi.errno()}`);
  return descriptor;
}
