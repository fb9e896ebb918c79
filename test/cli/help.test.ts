import { describe, expect, it } from "vitest";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const skiff = bundledSkiff();
const COMMANDS = ["run", "build", "inspect", "bench", "doctor"];
const WIDTH_MAX = 120;

describe.each(COMMANDS)("skiff %s --help", (command) => {
  it("tells usage, options, examples and exit status, on standard output, in lines that fit a terminal", () => {
    const { end, stdout, stderr } = skiff.run([command, "--help"]);
    expect({ end, stderr }).toEqual({ end: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^Usage: skiff ${command} `));
    expect(stdout).toMatch(/\nOptions:\n {2}-/);
    expect(stdout).toMatch(new RegExp(`\\nExamples:\\n  skiff ${command}`));
    expect(stdout).toMatch(/\nExit status: \S/);
    expect(stdout.split("\n").filter((line) => line.length > WIDTH_MAX)).toEqual([]);
    expect(stdout.endsWith(".\n")).toBe(true);
    expect(stdout).not.toContain("undefined");
    expect(stdout).not.toContain("(default: [])");
  });

  it("is the same by -h and by help", () => {
    const { stdout } = skiff.run([command, "--help"]);
    expect(skiff.run([command, "-h"]).stdout).toBe(stdout);
    expect(skiff.run(["help", command])).toEqual({ end: 0, stdout, stderr: "" });
  });
});

describe("skiff --help", () => {
  it("tells every command, with examples and exit status", () => {
    const { end, stdout } = skiff.run(["--help"]);
    expect(end).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`\\n  ${command} +[a-z]`));
    expect(stdout).toMatch(/\nExamples:\n {2}skiff run /);
    expect(stdout).toMatch(/\nExit status: \S/);
    expect(skiff.run(["help"])).toEqual({ end: 0, stdout, stderr: "" });
    // Without a command the same goes to standard error: nothing was done.
    expect(skiff.run([])).toEqual({ end: 1, stdout: "", stderr: stdout });
  });

  it("tells the version", () => {
    for (const option of ["-V", "--version"]) {
      expect(skiff.run([option])).toEqual({ end: 0, stdout: "development\n", stderr: "" });
    }
  });
});

describe("skiff refuses, in one line", () => {
  it.each([
    [["rnu"], "unknown command 'rnu' (Did you mean run?); skiff --help shows what there is"],
    [["inspekt", "a.spt"], "unknown command 'inspekt' (Did you mean inspect?); skiff --help shows what there is"],
    [["sail"], "unknown command 'sail'; skiff --help shows what there is"],
    [["RUN"], "unknown command 'RUN'; skiff --help shows what there is"],
    [[""], "unknown command ''; skiff --help shows what there is"],
    [["help", "rnu"], "unknown command 'rnu' (Did you mean run?); skiff --help shows what there is"],
    [["--mem", "5"], "unknown option '--mem'; skiff --help shows what there is"],
    [["--verison"], "unknown option '--verison' (Did you mean --version?); skiff --help shows what there is"],
    [["doctor", "--jsn"], "unknown option '--jsn' (Did you mean --json?); skiff doctor --help shows what there is"],
    [
      ["doctor", "word"],
      "too many arguments for 'doctor'. Expected 0 arguments but got 1; skiff doctor --help shows what there is",
    ],
    [["inspect"], "missing required argument 'image'; skiff inspect --help shows what there is"],
  ])("%j", (words, line) => {
    expect(skiff.run(words)).toEqual(mistake(line));
  });
});
