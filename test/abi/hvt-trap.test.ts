import { describe, expect, it } from "vitest";
import { COOKIE_BYTES } from "../../src/abi/hvt.ts";
import { trapRegisters } from "../../src/abi/hvt-trap.ts";
import { GuestMemory } from "../../src/memory/guest-memory.ts";

const COOKIE = 0x1000;

/** A cookie of words of 64 bits, each of which tells its own place. */
function cookie() {
  const memory = new GuestMemory(new ArrayBuffer(0x2000));
  const range = memory.range(COOKIE, COOKIE_BYTES);
  if (range === undefined) throw new Error("the memory is too small");
  for (let offset = 0; offset < COOKIE_BYTES; offset += 8)
    range.setU64(offset, 0xf000_0000_0000_0000n + BigInt(offset));
  return range;
}
const word = (place: number) => 0xf000_0000_0000_0000n + BigInt(8 * place);

describe("the registers behind a halt's cookie", () => {
  it("are those of struct x86_trap_regs: cr2, ec, rip, cs, rflags, rsp, ss", () => {
    expect(Object.fromEntries(trapRegisters("x86-64", cookie()))).toEqual({
      rip: word(2),
      cs: word(3),
      rflags: word(4),
      rsp: word(5),
      ss: word(6),
    });
  });

  it("are those of the kit's frame on AArch64: x0 to x30, ELR, SPSR, ESR, SP", () => {
    const registers = trapRegisters("aarch64", cookie());
    for (let number = 0; number < 31; number++) expect(registers.get(`x${number}`)).toBe(word(number));
    expect(registers.get("pc")).toBe(word(31));
    expect(registers.get("pstate")).toBe(word(32));
    expect(registers.get("sp")).toBe(word(34));
    expect(registers.size).toBe(34);
  });
});
