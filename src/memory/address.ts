declare const guest: unique symbol;
declare const host: unique symbol;

/** A guest-physical address in bytes; below 2^53. Not an index into anything: ask `GuestMemory`. */
export type GuestAddress = number & { readonly [guest]: "GuestAddress" };

/** An address in this process. */
export type HostAddress = bigint & { readonly [host]: "HostAddress" };

/** Takes a number that Skiff itself computed for a guest address; what a guest says goes to `GuestMemory.range`. */
export function guestAddress(value: number): GuestAddress {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no guest address`);
  return value as GuestAddress;
}

/** Takes what a call of the host gave for an address; koffi gives pointers as signed or unsigned. */
export function hostAddress(value: bigint): HostAddress {
  return BigInt.asUintN(64, value) as HostAddress;
}
