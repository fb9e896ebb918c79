/** Floating point of x86-64 as debuggers know it, from `struct kvm_fpu` (Linux arch/x86/include/uapi/asm/kvm.h). */

export const FPU_BYTES = 416;
const STACK = 8;
const VECTORS = 16;
const SLOT_BYTES = 16;
const VALUE_BITS = 80;
const FPU = {
  st: 0,
  control: 128,
  status: 130,
  abridgedTags: 132,
  opcode: 134,
  instruction: 136,
  data: 144,
  xmm: 152,
  mxcsr: 408,
} as const;

const EMPTY = 3;
const SPECIAL = 2;
const ZERO = 1;
const VALID = 0;

/** st0 … st7 of 80 bits, the x87 unit's words, xmm0 … xmm15 of 128 bits, mxcsr. */
export function floatingPointRegisters(fpu: DataView): readonly (readonly [string, bigint])[] {
  const wide = (at: number) => fpu.getBigUint64(at, true) | (fpu.getBigUint64(at + 8, true) << 64n);
  const slots = (prefix: string, count: number, offset: number, bits: number) =>
    Array.from({ length: count }, (_, index) => {
      return [`${prefix}${index}`, BigInt.asUintN(bits, wide(offset + index * SLOT_BYTES))] as const;
    });
  const st = slots("st", STACK, FPU.st, VALUE_BITS);
  const half = (offset: number) => BigInt(fpu.getUint32(offset, true));
  return [
    ...st,
    ["fctrl", BigInt(fpu.getUint16(FPU.control, true))],
    ["fstat", BigInt(fpu.getUint16(FPU.status, true))],
    ["ftag", tags(fpu, st)],
    ["fiseg", half(FPU.instruction + 4)],
    ["fioff", half(FPU.instruction)],
    ["foseg", half(FPU.data + 4)],
    ["fooff", half(FPU.data)],
    ["fop", BigInt(fpu.getUint16(FPU.opcode, true))],
    ...slots("xmm", VECTORS, FPU.xmm, 128),
    ["mxcsr", half(FPU.mxcsr)],
  ];
}

/** Two bits a register, not counted from the stack's top, of the one bit that KVM gives (Intel SDM volume 1, 8.1.7 and 10.5.1.1). */
function tags(fpu: DataView, st: readonly (readonly [string, bigint])[]): bigint {
  const top = (fpu.getUint16(FPU.status, true) >> 11) & 7;
  const abridged = fpu.getUint8(FPU.abridgedTags);
  let tags = 0;
  for (let register = 0; register < STACK; register++) {
    const value = st[(register - top + STACK) % STACK]?.[1] ?? 0n;
    const tag = (abridged & (1 << register)) === 0 ? EMPTY : tagOf(value);
    tags |= tag << (2 * register);
  }
  return BigInt(tags);
}

function tagOf(value: bigint): number {
  const exponent = Number((value >> 64n) & 0x7fffn);
  const significand = BigInt.asUintN(64, value);
  if (exponent === 0) return significand === 0n ? ZERO : SPECIAL;
  const isNormal = exponent !== 0x7fff && significand >> 63n === 1n;
  return isNormal ? VALID : SPECIAL;
}
