import { describe, expect, it } from "vitest";
import { duration, ProgressDisplay } from "../../src/cli/bench-progress.ts";
import { makeSample } from "../lab/make-samples.ts";

const CLEAR = "\r\u001b[K";

function displayOn(columns: number | undefined) {
  const clock = { ms: 0 };
  const written: string[] = [];
  const display = new ProgressDisplay({ write: (text) => written.push(text), columns }, () => clock.ms);
  return { clock, written, display };
}

function sample(block: number, failure: string | null = null) {
  return makeSample({
    workload: "prime",
    block,
    turn: 0,
    target: "runc",
    failure,
    values: failure === null ? {} : null,
  });
}

describe("progress on a terminal", () => {
  it("is one line that is written again, no longer than the terminal is wide, and goes before others", () => {
    const { written, display } = displayOn(40);
    display.sampled(sample(4), { done: 23, left: 77, leftMs: 125_000 });
    expect(written).toEqual([`${CLEAR}23 of 100 samples, 2 min 5 s left at mo`]);
    display.settled("prime", 10);
    expect(written.slice(1)).toEqual([CLEAR, "prime: done after 10 blocks\n"]);
    display.close();
    expect(written.length).toBe(3);
  });

  it("keeps a line for each failure", () => {
    const { written, display } = displayOn(80);
    display.sampled(sample(2, "said nothing"), { done: 1, left: 1, leftMs: 1000 });
    expect(written[0]).toBe("prime on runc, block 3: said nothing\n");
    expect(written[1]).toBe(`${CLEAR}1 of 2 samples, 1 s left at most: prime, block 3`);
  });
});

describe("progress elsewhere", () => {
  it("is a plain line every ten seconds at most, without control characters", () => {
    const { clock, written, display } = displayOn(undefined);
    display.begins({ done: 0, left: 400, leftMs: 150_000 });
    for (let block = 0; block < 200; block++) {
      clock.ms += 150;
      display.sampled(sample(block), { done: block, left: 400 - block, leftMs: 1000 });
    }
    display.ended("settled");
    display.close();
    expect(written[0]).toBe("0 of 400 samples, 2 min 30 s left at most\n");
    expect(written.length).toBe(1 + 2 + 1);
    expect(written.join("")).not.toMatch(/[^\n\P{Cc}]/u);
  });

  it("tells what is not run as soon as that is known", () => {
    const { written, display } = displayOn(undefined);
    display.notRun({
      target: "xl",
      targetTitle: "Xen",
      workload: null,
      reason: "xl is not on PATH",
      mend: "install it",
    });
    display.notRun({ target: "runsc", targetTitle: "gVisor", workload: "kv", reason: "no network", mend: undefined });
    expect(written).toEqual(["not run: Xen: xl is not on PATH\n", "not run: kv on gVisor: no network\n"]);
  });
});

it("tells times as people do", () => {
  expect([400, 45_000, 60_000, 185_000, 3_600_000, 4_320_000].map(duration)).toEqual([
    "0 s",
    "45 s",
    "1 min",
    "3 min 5 s",
    "1 h",
    "1 h 12 min",
  ]);
});
