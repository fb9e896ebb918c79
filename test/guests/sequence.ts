/** What the compute programs and kernels of `guests/` share, as this process computes it. */
export const MASK = (1n << 64n) - 1n;

/** xorshift64 from 1. */
export function* randomNumbers(): Generator<bigint, never> {
  for (let state = 1n; ; ) {
    state ^= (state << 13n) & MASK;
    state ^= state >> 7n;
    state ^= (state << 17n) & MASK;
    yield state;
  }
}

/** Mixes a value into a checksum. */
export const mix = (checksum: bigint, value: bigint) => ((checksum ^ value) * 0x100000001b3n) & MASK;

export function randomBytes(size: number): Buffer {
  const random = randomNumbers();
  return Buffer.from(Array.from({ length: size }, () => Number(random.next().value & 0xffn)));
}
