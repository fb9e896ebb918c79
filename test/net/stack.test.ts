import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { describeWith, program } from "../support/needs.ts";
import { hold, programsOfTests } from "./programs.ts";

const COMPILE_LIMIT_MS = 120_000;
const SCRIPTS = join(import.meta.dirname, "scripts");
const LINK = ["test/net/c/link.c"];

describeWith([program("gcc", "gcc")], "the TCP/IP stack", () => {
  const { compile } = programsOfTests();

  it("has parts that do what plain models do", { timeout: COMPILE_LIMIT_MS }, () => {
    const further = ["serve/options.c", "lib/words.c", "lib/format.c", "lib/print.c"].map((file) => `guests/${file}`);
    const parts = compile("parts", further);
    for (const seed of ["1", "2", "3"]) expect(hold(parts, seed).stdout).toContain(`seed ${seed}: the parts hold`);
  });

  it("answers frames of ARP, IPv4, ICMP and UDP", { timeout: COMPILE_LIMIT_MS }, () => {
    expect(hold(compile("lower")).stdout).toContain("the lower layers hold");
  });

  describe("plays scripts of segments:", () => {
    let player = "";
    beforeAll(() => {
      player = compile("script");
    }, COMPILE_LIMIT_MS);
    for (const file of readdirSync(SCRIPTS).filter((name) => name.endsWith(".tcp"))) {
      const path = join(SCRIPTS, file);
      const cases = [...readFileSync(path, "utf8").matchAll(/^== (.*)$/gm)].map(([, name = ""]) => name);
      it.each(cases)(`${file}: %s`, (name) => {
        expect(hold(player, path, name).stdout).toBe("1 cases hold\n");
      });
    }
  });

  describe("carries streams whole between two of it,", () => {
    let transfer = "";
    beforeAll(() => {
      transfer = compile("transfer", LINK);
    }, COMPILE_LIMIT_MS);
    it.each([
      [0, 1],
      [10_000, 201],
      [50_000, 401],
      [50_000, 601],
      [100_000, 801],
    ])("with %i of a million frames lost, for 200 seeds from %i", { timeout: COMPILE_LIMIT_MS }, (loss, seed) => {
      expect(hold(transfer, String(seed), "200", String(loss)).stdout).toContain("whole");
    });
  });

  it("is not broken by a million mutated frames", { timeout: COMPILE_LIMIT_MS }, () => {
    expect(hold(compile("fuzz", LINK), "1", "100", "10000").stdout).toContain("nothing broke");
  });
});
