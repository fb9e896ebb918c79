/** What an AArch64 guest finds beside its memory: hypercalls' addresses, and what the engine's handlers store to. */
import { HYPERCALL_WINDOW, HYPERCALL_WINDOW_SHIFT } from "../../abi/hvt.ts";
import { DOORBELL_ADDRESS } from "../../abi/hvt-ring.ts";
import { guestAddress } from "../../memory/address.ts";
import { type Mapping, PAGE_BYTES } from "../../memory/page-table/mapping.ts";
import { HANDLERS_ADDRESS } from "./layout.ts";

/** One large page, which takes one table. */
const WINDOW_BYTES = 2 ** 21;
/** A hypercall is a store of so many bytes. */
export const STORE_BYTES = 4;

export const HANDLERS_MAPPING: Mapping = {
  start: HANDLERS_ADDRESS,
  end: guestAddress(HANDLERS_ADDRESS + PAGE_BYTES),
  access: "read-execute",
};
export const WINDOW_MAPPING: Mapping = {
  start: guestAddress(HYPERCALL_WINDOW),
  end: guestAddress(HYPERCALL_WINDOW + WINDOW_BYTES),
  access: "device",
};

/** The hypercall that a store of `STORE_BYTES` to an address is; undefined where it is none. The doorbell follows the last one. */
export function hypercallNumber(address: number): number | undefined {
  if (address < HYPERCALL_WINDOW || address >= DOORBELL_ADDRESS) return undefined;
  const offset = address - HYPERCALL_WINDOW;
  return offset % (1 << HYPERCALL_WINDOW_SHIFT) === 0 ? offset >> HYPERCALL_WINDOW_SHIFT : undefined;
}
