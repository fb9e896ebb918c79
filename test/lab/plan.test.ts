import { describe, expect, it } from "vitest";
import {
  blockOrder,
  isLook,
  leastBlocks,
  type Plan,
  roundOrder,
  rowsTooCostly,
  type TriedRow,
} from "../../src/lab/plan.ts";
import { seededRandom } from "../../src/lab/random.ts";

const SEED = 4711;
const TARGETS = ["native", "runc", "process"];

function order(block: number, seed = SEED) {
  return blockOrder(seed, { workload: "prime", block, attempt: 0 }, TARGETS, "native");
}

describe(`the order in a block, seed ${SEED}`, () => {
  it("has each target once and the baseline twice, its second time after its first", () => {
    for (let block = 0; block < 200; block++) {
      const names = order(block).map(({ target, again }) => `${target}${again ? " again" : ""}`);
      expect([...names].sort()).toEqual(["native", "native again", "process", "runc"]);
      expect(names.indexOf("native")).toBeLessThan(names.indexOf("native again"));
    }
  });

  it("is the same for the same seed, and differs by seed, block and attempt", () => {
    expect(order(3)).toEqual(order(3));
    const many = (of: (index: number) => unknown) =>
      new Set(Array.from({ length: 40 }, (_, index) => JSON.stringify(of(index)))).size;
    expect(many((block) => order(block))).toBeGreaterThan(8);
    expect(many((seed) => order(0, seed))).toBeGreaterThan(8);
    expect(
      many((attempt) => blockOrder(SEED, { workload: "prime", block: 0, attempt }, TARGETS, "native")),
    ).toBeGreaterThan(8);
  });

  it("puts every target equally often at every place", () => {
    const blocks = 6000;
    const first = new Map<string, number>();
    for (let block = 0; block < blocks; block++) {
      const name = order(block)[0]?.target ?? "";
      first.set(name, (first.get(name) ?? 0) + 1);
    }
    // Four turns, two of them native's. Six standard deviations of a binomial are 6 * sqrt(6000 / 4 * 3 / 4) = 201.
    expect(Math.abs((first.get("runc") ?? 0) - blocks / 4)).toBeLessThan(201);
    expect(Math.abs((first.get("process") ?? 0) - blocks / 4)).toBeLessThan(201);
    expect(Math.abs((first.get("native") ?? 0) - blocks / 2)).toBeLessThan(233);
  });
});

it(`draws numbers that are uniform, seed ${SEED}`, () => {
  const { next } = seededRandom(SEED);
  const counts = new Array<number>(20).fill(0);
  for (let draw = 0; draw < 20_000; draw++) {
    const bin = Math.floor(next() * 20);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  // The 99.99 % quantile of chi-squared with 19 degrees of freedom is 52.4.
  expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(52.4);
});

it("orders the workloads of a round by the seed", () => {
  const names = ["a", "b", "c"];
  expect(roundOrder(SEED, 0, names)).toEqual(roundOrder(SEED, 0, names));
  const orders = new Set(Array.from({ length: 60 }, (_, round) => roundOrder(SEED, round, names).join("")));
  expect(orders.size).toBe(6);
});

describe("the budget", () => {
  const row = (workload: string, target: string, tookMs: number): TriedRow => ({ workload, target, tookMs });
  const rows = [
    row("start", "native", 10),
    row("start", "qemu", 2000),
    row("prime", "native", 500),
    row("prime", "qemu", 900),
    row("prime", "runc", 600),
  ];
  const baselines = new Map([
    ["start", "native"],
    ["prime", "native"],
  ]);
  const left = (ms: number) =>
    rowsTooCostly(rows, baselines, 10, ms).map(({ workload, target }) => `${workload} ${target}`);

  it("leaves nothing out where all blocks fit: baselines count twice", () => {
    expect(left(45_200)).toEqual([]);
    expect(left(45_199)).toEqual(["start qemu"]);
  });

  it("leaves the costliest rows out first, and baselines never", () => {
    expect(left(20_000)).toEqual(["start qemu", "prime qemu"]);
    expect(left(0)).toEqual(["start qemu", "prime qemu", "prime runc"]);
  });
});

it("looks at the preset numbers of blocks and at the last one", () => {
  const plan = (blocks: number) => ({ blocks }) as Plan;
  const looks = (blocks: number) => Array.from({ length: 40 }, (_, n) => n + 1).filter((n) => isLook(n, plan(blocks)));
  expect(looks(30)).toEqual([10, 15, 20, 30]);
  expect(looks(12)).toEqual([10, 12, 15, 20, 30]);
  expect([3, 10, 30].map((blocks) => leastBlocks(plan(blocks)))).toEqual([3, 10, 10]);
});
