import assert from "node:assert/strict";
import koffi from "koffi";
import type { GuestMemory } from "../../../src/memory/guest-memory.ts";

// Linux include/uapi/asm-generic/mman-common.h.
const PROT_NONE = 0;
const PROT_READ_WRITE = 3;
/** Inaccessible bytes on either side of a guest's memory. */
const GUARD_BYTES = 65536;
const CANARY = 0xc5;
/** So many of them in a row come from beyond the memory, and from nowhere else. */
const TRACE = Buffer.alloc(16, CANARY);

const mprotect = koffi.load(null).func("int mprotect(void *, size_t, int)");

function protect(address: bigint, protection: number): void {
  assert.equal(mprotect(address, GUARD_BYTES, protection), 0, `mprotect failed with errno ${koffi.errno()}`);
}

/** Makes the guards around a guest's memory accessible, so that nothing stops what goes astray, and sees what did. */
export class Canaries {
  readonly #guards: readonly { readonly name: string; readonly address: bigint; readonly bytes: Buffer }[];

  constructor({ hostAddress, sizeBytes }: GuestMemory) {
    assert.ok(hostAddress !== undefined);
    this.#guards = [
      { name: "before", address: hostAddress - BigInt(GUARD_BYTES) },
      { name: "behind", address: hostAddress + BigInt(sizeBytes) },
    ].map((guard) => {
      protect(guard.address, PROT_READ_WRITE);
      const bytes = Buffer.from(koffi.view(guard.address, GUARD_BYTES));
      bytes.fill(CANARY);
      return { ...guard, bytes };
    });
  }

  /** Fails where a byte was written; puts the guards back. Before the memory is given back. */
  check(): void {
    for (const { name, address, bytes } of this.#guards) {
      const at = bytes.findIndex((byte) => byte !== CANARY);
      protect(address, PROT_NONE);
      assert.equal(at, -1, `byte ${at} of the guard ${name} the guest's memory was written`);
    }
  }

  /** Fails where what a guest could send away came from beyond its memory. */
  static checkSent(what: string, bytes: Uint8Array): void {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    assert.ok(!view.includes(TRACE), `${what} got bytes from beyond the guest's memory`);
  }
}
