import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import koffi from "koffi";

/** Linux include/uapi/linux/if_tun.h: _IOW('T', 202, int); a tap without packet information. */
const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI = 0x1002;
/** _IOW('T', 203, int). */
const TUNSETPERSIST = 0x400454cb;
const ATTACH_LIMIT_MS = 15_000;
const POLL_MS = 20;
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_OFFSET = 16;

const libc = koffi.load("libc.so.6");
const ioctl = libc.func("int ioctl(int fd, unsigned long request, void *argument)");
const setPersistent = libc.func("ioctl", "int", ["int", "unsigned long", "long"]);

/** Makes a tap, which lives as long as the descriptor is open, and sets it up; with an address where one is given. */
export function makeTap(name: string, address?: string): number {
  const descriptor = openSync("/dev/net/tun", "r+");
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name);
  request.writeUInt16LE(IFF_TAP_NO_PI, IFREQ_FLAGS_OFFSET);
  if (ioctl(descriptor, TUNSETIFF, request) !== 0) throw new Error(`TUNSETIFF failed with errno ${koffi.errno()}`);
  if (address !== undefined) ip("address", "add", address, "dev", name);
  ip("link", "set", name, "up");
  return descriptor;
}

/** Makes a tap that stays, for whoever attaches to it, until `removeTap`. */
export function makeLastingTap(name: string, address: string): void {
  const descriptor = makeTap(name, address);
  if (setPersistent(descriptor, TUNSETPERSIST, 1) !== 0) throw new Error(`${name} cannot be made to stay`);
  closeSync(descriptor);
}

/** Waits until a process has attached to the tap: from then on, what is sent there waits for that process. */
export async function attached(name: string): Promise<void> {
  const deadline = performance.now() + ATTACH_LIMIT_MS;
  while (readFileSync(`/sys/class/net/${name}/carrier`, "utf8") !== "1\n") {
    if (performance.now() > deadline) throw new Error(`nobody attaches to ${name}`);
    await setTimeout(POLL_MS);
  }
}

export function removeTap(name: string): void {
  ip("link", "delete", name);
}

export function ip(...args: string[]): string {
  const result = spawnSync("ip", args, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`ip ${args.join(" ")}: ${result.stderr}`);
  return result.stdout;
}
