import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { ARCHITECTURES, requirementsOf, runNative } from "./guest.ts";
import { describeWith } from "./requirement.ts";
import { MASK, mix, randomBytes, randomNumbers } from "./sequence.ts";

function countPrimes(from: number, below: number): bigint {
  let count = 0n;
  for (let n = from; n < below; n++) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor++;
    if (divisor * divisor > n) count++;
  }
  return count;
}

function sha256Chain(iterations: number, size: number): bigint {
  const message = randomBytes(size);
  for (let i = 0; i < iterations; i++) createHash("sha256").update(message).digest().copy(message);
  return message.readBigUInt64BE();
}

function crc32Chain(iterations: number, size: number): bigint {
  const data = randomBytes(size);
  let crc = 0;
  for (let i = 0; i < iterations; i++) {
    crc = ~crc;
    for (const byte of data) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    crc = ~crc;
  }
  return BigInt(crc >>> 0);
}

function matrixProduct(iterations: number, side: number): bigint {
  const random = randomNumbers();
  const next = () => Number(BigInt.asUintN(32, random.next().value));
  const pairs = Array.from({ length: side * side }, () => [next(), next()] as const);
  const a = Uint32Array.from(pairs, ([first]) => first);
  const b = Uint32Array.from(pairs, ([, second]) => second);
  const c = new Uint32Array(side * side);
  const at = (matrix: Uint32Array, index: number) => matrix[index] ?? 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (let i = 0; i < side; i++)
      for (let j = 0; j < side; j++) {
        let sum = 0;
        for (let k = 0; k < side; k++) sum = (sum + Math.imul(at(a, i * side + k), at(b, k * side + j))) >>> 0;
        c[i * side + j] = sum;
      }
    const changed = iteration % (side * side);
    a[changed] = at(a, changed) ^ at(c, side * side - 1);
  }
  return c.reduce((checksum, value) => mix(checksum, BigInt(value)), 0n);
}

function listWalk(steps: number, count: number): bigint {
  const random = randomNumbers();
  const order = Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i--) {
    const j = Number(random.next().value % BigInt(i));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  let node = 0;
  let sum = 0n;
  for (let i = 0; i < steps; i++) {
    sum += BigInt(node);
    node = order[(order.indexOf(node) + 1) % count] ?? 0;
  }
  return mix(sum, BigInt(node));
}

function streamElements(repetitions: number): bigint {
  let [a, b, c] = [1, 2, 0];
  for (let i = 0; i < repetitions; i++) {
    c = a;
    b = 3 * c;
    c = a + b;
    a = b + 3 * c;
  }
  return [a, b, c].reduce(
    (checksum, value) => mix(checksum, new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n),
    0n,
  );
}

function streamIntegers(repetitions: number): bigint {
  let [a, b, c] = [1n, 2n, 0n];
  for (let i = 0; i < repetitions; i++) {
    c = a;
    b = (3n * c) & MASK;
    c = (a + b) & MASK;
    a = (b + 3n * c) & MASK;
  }
  return mix(mix(mix(0n, a), b), c);
}

const rows: readonly (readonly [name: string, iterations: number, size: number, checksum: () => bigint])[] = [
  ["prime", 3, 10_000, () => 3n * countPrimes(3, 10_000)],
  ["sieve", 2, 20_000, () => 2n * countPrimes(2, 20_000)],
  ["sha256", 5, 1000, () => sha256Chain(5, 1000)],
  ["sha256", 2, 119, () => sha256Chain(2, 119)],
  ["sha256", 2, 120, () => sha256Chain(2, 120)],
  ["crc32", 3, 5000, () => crc32Chain(3, 5000)],
  ["matmul", 4, 17, () => matrixProduct(4, 17)],
  ["chase", 700, 300, () => listWalk(700, 300)],
  ["stream", 12, 1003, () => streamElements(12)],
  ["stream-integer", 40, 1003, () => streamIntegers(40)],
];

for (const architecture of ARCHITECTURES) {
  describeWith(requirementsOf(architecture), `compute programs of ${architecture}`, () => {
    it.each(rows)("%s %i %i computes what this process does", (name, iterations, size, checksum) => {
      const { status, output } = runNative(architecture, name, String(iterations), String(size));
      expect(status, output).toBe(0);
      const [, printed] = / ?checksum=([0-9a-f]{16})/.exec(output) ?? [];
      expect(printed).toBe(checksum().toString(16).padStart(16, "0"));
    });

    it("shares its arrays among threads, one on each processor at most", () => {
      const threads = Math.min(availableParallelism(), 64);
      const { status, output } = runNative(architecture, "stream", "30", "1003", String(threads));
      expect(status, output).toBe(0);
      expect(output).toContain(`checksum=${streamElements(30).toString(16).padStart(16, "0")}`);
      const refused = runNative(architecture, "stream", "30", "1003", String(threads + 1));
      expect(refused.output).toContain(`${threads + 1} threads, but there is room for ${threads}`);
      expect(refused.status).toBe(1);
    });

    it("refuses what does not fit into its memory", () => {
      expect(runNative(architecture, "sieve", "--mem=4", "1", "8000000")).toMatchObject({ status: 1 });
    });
  });
}
