import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Result } from "../../src/lab/manifest.ts";
import { analyse } from "../../src/lab/report/analysis.ts";
import { toJson } from "../../src/lab/report/document.ts";
import { KV, madeResult, PRIME } from "../lab/made-result.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const skiff = bundledSkiff();
const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

function made(runc: number, seed: number): Result {
  const targets = [
    { name: "native", factor: 1 },
    { name: "native-veth", factor: 1 },
    { name: "runc", factor: runc },
  ];
  return madeResult(targets, [PRIME, KV], { seed, blocks: 30 });
}

function write(name: string, { manifest, samples }: Result): void {
  mkdirSync(at(name));
  writeFileSync(join(at(name), "manifest.json"), JSON.stringify({ ...manifest, plan: {} }));
  writeFileSync(join(at(name), "samples.jsonl"), samples.map((sample) => `${JSON.stringify(sample)}\n`).join(""));
  writeFileSync(at(`${name}.json`), toJson(analyse({ manifest, samples })));
}

beforeAll(() => {
  const before = made(1.2, 11);
  const machine = { ...before.manifest.host.machine, processor: "Cortex-A53" };
  write("before", before);
  write("same", made(1.2, 12));
  write("slower", made(1.32, 13));
  const board = made(1.2, 14);
  write("board", { ...board, manifest: { ...board.manifest, host: { ...board.manifest.host, machine } } });
  const broken = before.samples.map((sample) =>
    sample.target === "runc" && sample.workload === "prime" ? { ...sample, values: null, failure: "died" } : sample,
  );
  write("broken", { ...before, samples: broken });
  write("else", { ...madeResult([{ name: "native", factor: 1 }], [{ ...PRIME, name: "other" }]) });
  mkdirSync(at("empty"));
  writeFileSync(at("text"), "no JSON");
  for (const [name, manifest] of [
    ["hollow", { format: "skiff-bench-1" }],
    ["older", { ...before.manifest, format: "skiff-bench-0" }],
  ] as const) {
    mkdirSync(at(name));
    writeFileSync(join(at(name), "manifest.json"), JSON.stringify({ ...manifest, plan: {} }));
    writeFileSync(at(`${name}.json`), JSON.stringify({ format: "skiff-bench-report-1", manifest, samples: [] }));
  }
});

function compare(...words: readonly string[]) {
  return skiff.run(["bench", "compare", ...words]);
}

describe("skiff bench compare", () => {
  it("shows what changed, and ends with 0 unless a threshold is given", () => {
    const { end, stdout, stderr } = compare(at("before"), at("slower"));
    expect({ end, stderr }).toEqual({ end: 0, stderr: "" });
    expect(stdout).toMatch(/^The numbers of the second result against the first:\n/);
    expect(stdout).toMatch(/CPU: counting primes, one count: runc .*→.*µs/);
  });

  it("ends with 1 where a row is surely worse by more than the threshold, and with 0 where it is not", () => {
    const by = ["--by", "cost", "--threshold"];
    const slower = compare(at("before"), at("slower"), ...by, "5%");
    expect(slower.end).toBe(1);
    expect(slower.stdout).toContain("▲ worse");
    expect(slower.stderr).toMatch(
      /^skiff: 3 rows worse by more than 5 %: CPU: counting primes, one count: runc; .*\n$/,
    );
    expect(compare(at("before"), at("slower"), ...by, "20%")).toMatchObject({ end: 0, stderr: "" });
    expect(compare(at("before"), at("same"), ...by, "5%")).toMatchObject({ end: 0, stderr: "" });
    expect(compare(at("slower"), at("before"), ...by, "5%")).toMatchObject({ end: 0, stderr: "" });
  });

  it("takes reports alone, and gives the same for them", () => {
    const folders = compare(at("before"), at("slower"));
    expect(compare(at("before.json"), at("slower.json"))).toEqual(folders);
    expect(compare(at("before"), at("slower.json"))).toEqual(folders);
  });

  it("compares the cost against native where the machines differ", () => {
    const { stdout } = compare(at("before"), at("board"));
    expect(stdout).toMatch(/^The cost against native, .*\(their machines differ\):\n/);
    expect(stdout).not.toMatch(/one count: native /);
    expect(compare(at("before"), at("board"), "--by", "value").stdout).toMatch(/^The numbers/);
  });

  it("tells a row that has no number any more, and does not let it pass a threshold", () => {
    expect(compare(at("before"), at("broken"))).toMatchObject({ end: 0 });
    const { end, stdout, stderr } = compare(at("before"), at("broken"), "--threshold", "50%");
    expect(stdout).toContain("× no number any more: CPU: counting primes, one count: runc\n");
    expect({ end, stderr }).toEqual({
      end: 1,
      stderr: "skiff: 1 row worse by more than 50 %: CPU: counting primes, one count: runc\n",
    });
  });

  it("does not pass a threshold where nothing is in both", () => {
    expect(compare(at("before"), at("else")).stdout).toContain("The two results have no row in common.\n");
    expect(compare(at("before"), at("else"), "--threshold", "5%")).toMatchObject({
      end: 1,
      stderr: "skiff: no row is in both results; measure the same workloads\n",
    });
  });

  it("has help with examples", () => {
    const { end, stdout } = compare("--help");
    expect(end).toBe(0);
    expect(stdout).toMatch(/^Usage: skiff bench compare \[options\] <first> <second>\n/);
    expect(stdout).toMatch(/\nExamples:\n {2}skiff bench compare before after\n/);
    expect(stdout).toMatch(/\nExit status: \S/);
  });

  it("refuses in one line what is no result, and wrong options", () => {
    const help = "skiff bench compare --help shows what there is";
    const notThere = "is not there; give a folder that skiff bench wrote, or a report.json of one";
    const noReport = "is not a report.json of this Skiff's format; give the one that skiff bench wrote";
    const before = at("before");
    for (const [words, line] of [
      [[], `missing required argument 'first'; ${help}`],
      [[before], `missing required argument 'second'; ${help}`],
      [[before, at("nowhere")], `${at("nowhere")} ${notThere}`],
      [[at("empty"), before], `${at("empty")} holds no result; give the folder that skiff bench --output wrote`],
      [[at("text"), before], `${at("text")} ${noReport}`],
      [[before, at("hollow.json")], `${at("hollow.json")} ${noReport}`],
      [[before, at("older.json")], `${at("older.json")} ${noReport}`],
      [[before, at("hollow")], `${at("hollow")}/manifest.json is not of this Skiff's format; give another folder`],
      [[before, before, "--threshold", "-5"], "--threshold -5: give what may be lost in percent, e.g. --threshold 5%"],
      [
        [before, before, "--by", "guess"],
        "--by guess: give value (the numbers themselves) or cost (the ratios to native)",
      ],
    ] as const) {
      expect(compare(...words), words.join(" ")).toEqual(mistake(line));
    }
    expect(skiff.run(["bench", "--quick", "compare", before, before])).toEqual(
      mistake("--quick is not for compare; leave it out"),
    );
  });
});
