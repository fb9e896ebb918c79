import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { initramfsOf } from "../../../src/lab/linux-guest/cpio.ts";
import { describeWith, program } from "../../support/needs.ts";
import { temporaryFolder } from "../../support/temporary.ts";

describeWith([program("cpio", "cpio")], "an initramfs", () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "sub"));
  // Of every length modulo the alignment.
  for (const size of [0, 1, 2, 3, 4, 5]) writeFileSync(join(folder, "sub", `of-${size}`), "x".repeat(size));
  writeFileSync(join(folder, "tool"), "#!/bin/true", { mode: 0o755 });
  symlinkSync("sub/of-3", join(folder, "link"));
  const read = (...words: readonly string[]) =>
    spawnSync("cpio", words, { input: initramfsOf(folder), encoding: "utf8", env: { LC_ALL: "C", TZ: "UTC" } });

  test("is one that cpio reads without a complaint", () => {
    const { stdout, stderr, status } = read("-itv", "--quiet");
    expect(status).toBe(0);
    expect(stderr).toBe("");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => line.replace(/\s+/g, " "));
    expect(lines).toContainEqual(expect.stringMatching(/^-rwxr-xr-x 1 root root 11 .* tool$/));
    expect(lines).toContainEqual(expect.stringMatching(/^lrwxrwxrwx .* link -> sub\/of-3$/));
    expect(lines).toContainEqual(expect.stringMatching(/^crw------- 1 root root 5, 1 .* dev\/console$/));
    expect(lines).toContainEqual(expect.stringMatching(/^drwxr-xr-x .* dev$/));
    for (const size of [0, 1, 2, 3, 4, 5]) {
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`root ${size} .* sub/of-${size}$`)));
    }
  });

  test("holds the files' bytes", () => {
    expect(read("-i", "--quiet", "--to-stdout", "sub/of-5", "tool").stdout).toBe("xxxxx#!/bin/true");
  });
});
