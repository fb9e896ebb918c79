import { closeSync, constants, openSync } from "node:fs";
import { constants as os } from "node:os";
import { CAP_NET_ADMIN, holdsCapability } from "./capability.ts";
import { asRoot, type Lack } from "./lack.ts";
import type { ProbeLibc } from "./libc.ffi.ts";
import { type ReadText, readText } from "./text.ts";

export interface TapFacts {
  /** Whether /dev/net/tun opens. */
  readonly device: "opens" | "denied" | "absent";
  /** This process holds CAP_NET_ADMIN; over which network namespace, only `create` tells. */
  readonly netAdmin: boolean;
  /** It may make taps in its own network namespace. */
  readonly create: boolean;
}

const DEVICE = "/dev/net/tun";
/* include/uapi/linux/if_tun.h; struct ifreq: name (16 bytes), flags (u16); 40 bytes in all. */
const TUNSETIFF = 0x400454ca;
const IFF_NO_PI = 0x1000;
const IFREQ_BYTES = 40;
const IFREQ_FLAGS = 16;

/**
 * Whether taps can be made, found out without making one: an interface that comes and goes is seen by every network manager,
 * and one in a namespace of our own proves nothing about this one. TUNSETIFF is asked for an interface that is neither tun
 * nor tap: the kernel looks at the rights first (EPERM), and only then refuses the kind (EINVAL); drivers/net/tun.c, tun_set_iff.
 */
export function probeTap(libc: ProbeLibc, read: ReadText = readText): TapFacts {
  const netAdmin = holdsCapability(read("/proc/self/status"), CAP_NET_ADMIN);
  let descriptor: number;
  try {
    descriptor = openSync(DEVICE, constants.O_RDWR);
  } catch (error) {
    const denied = error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM");
    return { device: denied ? "denied" : "absent", netAdmin, create: false };
  }
  try {
    const request = new DataView(new ArrayBuffer(IFREQ_BYTES));
    request.setUint16(IFREQ_FLAGS, IFF_NO_PI, true);
    const answer = libc.ioctl(descriptor, TUNSETIFF, new Uint8Array(request.buffer));
    return { device: "opens", netAdmin, create: answer < 0 && libc.errno() === os.errno.EINVAL };
  } finally {
    closeSync(descriptor);
  }
}

export function tapLacks(tap: TapFacts): Lack[] {
  const lack = (reason: string, command: string): Lack[] => [{ subject: "tap", reason, mend: [asRoot(command)] }];
  if (tap.device === "absent") return lack(`there is no ${DEVICE}`, "modprobe tun");
  if (tap.device === "denied") return lack(`this user may not open ${DEVICE}`, `chmod 666 ${DEVICE}`);
  if (tap.create) return [];
  return lack(
    "this user may not make taps, but may use one that is made for it",
    "ip tuntap add dev tap0 mode tap user $USER",
  );
}
