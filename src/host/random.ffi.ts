import koffi from "koffi";
import { HostError } from "./error.ts";

const getrandom = koffi.load(null).func("long getrandom(void *, size_t, unsigned int)");

/** Random bytes of the kernel's, at most 256 (getrandom(2)): `node:crypto` takes milliseconds to load. */
export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  if (getrandom(bytes, count, 0) !== count) throw new HostError("getrandom", koffi.errno());
  return bytes;
}
