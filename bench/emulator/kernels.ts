/** The kernels of `guests/kernels`, and what they print. */
export const KERNELS = [
  "sieve",
  "sha256",
  "chase",
  "matmul",
  "crc16",
  "fib",
  "indirect",
  "matmul-f64",
  "triad",
  "search",
  "mark",
] as const;

export type Kernel = (typeof KERNELS)[number];

/** One line of the guest. */
export interface Repeat {
  readonly rounds: number;
  readonly checksum: string;
  /** From the first repeat's begin to this one's. */
  readonly atNs: number;
  readonly ns: number;
}

const LINE = /^(\S+): rounds=(\d+) checksum=([0-9a-f]{16}) at=(\d+) ns=(\d+)$/;

/** @throws where the text has anything but lines of this kernel, or none. */
export function parseRepeats(kernel: Kernel, text: string): readonly [Repeat, ...Repeat[]] {
  const [first, ...others] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => {
      const [, name, rounds, checksum = "", at, ns] = LINE.exec(line) ?? [];
      if (name !== kernel) throw new Error(`${kernel} printed: ${line}`);
      return { rounds: Number(rounds), checksum, atNs: Number(at), ns: Number(ns) };
    });
  if (first === undefined) throw new Error(`${kernel} printed nothing`);
  return [first, ...others];
}
