import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { KERNELS, type Kernel, parseRepeats } from "../../bench/emulator/kernels.ts";
import { ARCHITECTURES, type GuestArchitecture, requirementsOf, runNative } from "./guest.ts";
import { describeWith } from "./requirement.ts";
import { MASK, mix, randomBytes, randomNumbers } from "./sequence.ts";

/** A checksum that each round goes on with. */
const over = (rounds: number, round: (index: number) => bigint) =>
  Array.from({ length: rounds }, (_, index) => round(index)).reduce(mix, 0n);

function primesBelow(limit: number): bigint {
  let count = 0n;
  for (let number = 2; number < limit; number++) {
    let divisor = 2;
    while (divisor * divisor <= number && number % divisor !== 0) divisor++;
    if (divisor * divisor > number) count++;
  }
  return count;
}

function sha256(rounds: number): bigint {
  const message = randomBytes(16_384);
  for (let index = 0; index < 32; index++) message[index] = index;
  for (let round = 0; round < rounds; round++) createHash("sha256").update(message).digest().copy(message);
  return message.readBigUInt64BE();
}

function chase(rounds: number): bigint {
  const count = 65_536;
  const random = randomNumbers();
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Number(random.next().value % BigInt(last));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  const next = new Map(order.map((value, index) => [value, order[(index + 1) % count] ?? 0]));
  let node = 0;
  let sum = 0n;
  for (let steps = rounds * count; steps > 0; steps--) {
    sum += BigInt(node) ^ BigInt(steps);
    node = next.get(node) ?? 0;
  }
  return mix(sum & MASK, BigInt(node));
}

/** The numbers of two matrices in turn, row by row, as one element of their product needs them. */
function element<Value>(index: number, side: number, pairs: readonly (readonly [Value, Value])[]) {
  const [row, column] = [index % side, Math.floor(index / side) % side];
  return Array.from({ length: side }, (_, k): readonly [Value | undefined, Value | undefined] => [
    pairs[row * side + k]?.[0],
    pairs[k * side + column]?.[1],
  ]);
}

function pairsOf<Value>(count: number, make: (random: bigint) => Value): readonly (readonly [Value, Value])[] {
  const random = randomNumbers();
  return Array.from({ length: count }, () => [make(random.next().value), make(random.next().value)] as const);
}

const SIDE = 64;
const fraction = (random: bigint) => Number(random >> 11n) / 2 ** 53;
const quantized = (value: number) => BigInt.asUintN(64, BigInt(Math.trunc(value * 2 ** 20)));

function matmul(rounds: number): bigint {
  const pairs = pairsOf(SIDE * SIDE, (random) => Number(random & 0xffff_ffffn));
  return over(rounds, (round) =>
    BigInt(element(round, SIDE, pairs).reduce((sum, [a = 0, b = 0]) => (sum + Math.imul(a, b)) >>> 0, 0)),
  );
}

function matmulF64(rounds: number): bigint {
  const pairs = pairsOf(SIDE * SIDE, fraction);
  return over(rounds, (round) =>
    quantized(element(round, SIDE, pairs).reduce((sum, [a = 0, b = 0]) => sum + a * (b - 0.5), 0)),
  );
}

function triad(rounds: number): bigint {
  const pairs = pairsOf(32_768, fraction);
  return over(rounds, (round) => {
    const [b, c] = pairs[round % pairs.length] ?? [0, 0];
    return quantized(b + (1.1 + (round % 16)) * (c - 0.5));
  });
}

function crc16(rounds: number): bigint {
  let crc = 0xffff;
  for (let round = 0; round < rounds; round++)
    for (const byte of randomBytes(4096)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) === 0 ? 0 : 0xa001);
    }
  return BigInt(crc);
}

function search(rounds: number): bigint {
  const random = randomNumbers();
  const text = Array.from({ length: 65_536 }, () => {
    const number = random.next().value;
    return number % 1000n === 0n ? Number(number >> 62n) : 97 + Number((number >> 32n) % 26n);
  });
  let checksum = 0n;
  for (let round = 0; round < rounds; round++)
    for (const [at, byte] of text.entries()) if (byte === (round & 3)) checksum = mix(checksum, BigInt(at));
  return checksum;
}

const EXPECTED: readonly (readonly [Kernel, number, (rounds: number) => bigint])[] = [
  ["sieve", 2, (rounds) => over(rounds, () => primesBelow(2 ** 18))],
  ["sha256", 3, sha256],
  ["chase", 2, chase],
  ["matmul", 70, matmul],
  ["crc16", 2, crc16],
  ["fib", 3, () => over(3, (round) => (round === 1 ? 10_946n : 6765n))],
  ["matmul-f64", 70, matmulF64],
  ["triad", 20, triad],
  ["search", 6, search],
];

function checksumOf(architecture: GuestArchitecture, kernel: Kernel, rounds: number): string {
  const { status, output } = runNative(architecture, "kernels", kernel, String(rounds), "2");
  expect(status, output).toBe(0);
  const [first, second] = parseRepeats(kernel, output);
  expect(second?.checksum).toBe(first.checksum);
  return first.checksum;
}

for (const architecture of ARCHITECTURES) {
  describeWith(requirementsOf(architecture), `kernels of ${architecture}`, () => {
    it.each(EXPECTED)("%s computes in %i rounds what this process does", (kernel, rounds, expected) => {
      expect(checksumOf(architecture, kernel, rounds)).toBe(expected(rounds).toString(16).padStart(16, "0"));
    });

    it("refuses what is no kernel", () => {
      expect(runNative(architecture, "kernels", "nothing")).toMatchObject({
        status: 1,
        output: "kernels: there is no 'nothing'\n",
      });
    });
  });
}

describeWith([...requirementsOf("x86_64"), ...requirementsOf("aarch64")], "kernels of both architectures", () => {
  it.each(KERNELS)("%s computes the same in each", (kernel) => {
    expect(checksumOf("aarch64", kernel, 7)).toBe(checksumOf("x86_64", kernel, 7));
  });
});
