import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const skiff = bundledSkiff();
const folder = temporaryFolder();
const file = join(folder, "file");
const bad = join(folder, "bad");
const output = join(folder, "output");

beforeAll(() => {
  writeFileSync(file, "");
  mkdirSync(bad);
  writeFileSync(join(bad, "manifest.json"), "{}");
});

describe("skiff bench refuses, in one line, and leaves nothing", () => {
  it.each([
    [["--targets="], "'' names nothing; skiff bench --list shows the names"],
    [["--workloads", ","], "',' names nothing; skiff bench --list shows the names"],
    [["--budget", "5"], "--budget 5: give a time in seconds, minutes or hours, e.g. --budget 10m"],
    [["--budget", "0s"], "--budget 0s: give a time in seconds, minutes or hours, e.g. --budget 10m"],
    [["--blocks", "0"], "--blocks 0: give a whole number from 1 to 1000"],
    [["--seed", "-1"], "--seed -1: give a whole number from 0 to 4294967295"],
    [["--output="], "--output: the name is empty; give a folder"],
    [["--output", file], `--output ${file}: it cannot be written (ENOTDIR); give another folder`],
    [
      ["--output", "/proc/none/result"],
      "--output /proc/none/result: it cannot be written (ENOENT); give another folder",
    ],
    [["--output", bad], `${bad}/manifest.json is not of this Skiff's format; give another folder`],
    [["--quik"], "unknown option '--quik' (Did you mean --quick?); skiff bench --help shows what there is"],
  ])("%j", (words, line) => {
    expect(skiff.run(["bench", ...words])).toEqual(mistake(line));
    expect(existsSync(output)).toBe(false);
  });

  it.each(["--targets", "--workloads"])("%s with a name that there is not, and tells which there are", (option) => {
    const { end, stderr } = skiff.run(["bench", option, "nope", "--output", output]);
    expect({ end, lines: stderr.trimEnd().split("\n").length }).toEqual({ end: 1, lines: 1 });
    expect(stderr).toMatch(new RegExp(`^skiff: ${option}: there is no 'nope'; there are \\w`));
    expect(existsSync(output)).toBe(false);
  });
});
