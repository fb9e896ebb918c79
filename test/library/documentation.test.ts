import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { NEVER_TRANSLATED } from "../../src/engine/emulator/translator/flow.ts";
import { ENGINE_WORDS } from "../../src/monitor/engine-choice.ts";
import { bundledSkiff } from "../cli/bundled-skiff.ts";
import { run } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { kvm } from "../support/kvm.ts";
import { describeWith } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";

const ROOT = resolve(import.meta.dirname, "../..");

const page = (name: string) => readFileSync(join(ROOT, "docs", name), "utf8");

/** The page's first example in TypeScript. */
function exampleOf(name: string): string {
  const [, example] = /^```ts\n([\s\S]*?)^```$/m.exec(page(name)) ?? [];
  if (example === undefined) throw new Error(`${name} has no example`);
  return example;
}

const folder = temporaryFolder();
beforeAll(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/skiff-vm"));
});

function runExample(program: string) {
  writeFileSync(join(folder, "example.mjs"), program);
  return run(process.execPath, ["example.mjs"], { folder });
}

describeWith([kvm], "the documentation's example", () => {
  it("of a machine on KVM works as it stands, where Skiff is installed", () => {
    const { end, stdout, stderr } = runExample(exampleOf("kvm.md"));
    expect([end, stderr]).toEqual([0, ""]);
    expect(stdout).toBe("Hello from a unikernel.\nCommand line: from a program\nended with 0\n");
  });
});

/** What the example asks of a page. */
const PAGE = `
import { readFileSync } from "node:fs";
globalThis.document = { body: { append: (text) => process.stdout.write(text) } };
globalThis.fetch = async (path) => ({ arrayBuffer: async () => readFileSync(path) });
`;

describe("the documentation of the emulator", () => {
  it("has an example for pages that works as it stands", () => {
    symlinkSync(kitImagePath("hello", "hvt", "aarch64"), join(folder, "hello.hvt"));
    const { end, stdout, stderr } = runExample(`${PAGE}${exampleOf("emulator.md")}`);
    expect([end, stderr]).toEqual([0, ""]);
    expect(stdout).toBe("Hello from a unikernel.\n{ type: 'exit', status: 0 }\n");
  });

  it("lists the rows that are never translated", () => {
    const [, list = ""] = /\*\*Rows never translated\*\*([^;]*);/.exec(page("emulator.md")) ?? [];
    const listed = [...list.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    expect(listed.sort()).toEqual([...NEVER_TRANSLATED].sort());
  });
});

describe("the page of commands", () => {
  const skiff = bundledSkiff();
  const optionsIn = (text: string) =>
    new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option));

  it.each(["run", "build"])("has the options of skiff %s --help, and no others", (command) => {
    const [section = ""] = page("commands.md").split(`\n## skiff ${command} `)[1]?.split("\n## ") ?? [];
    const rows = section.split("\n").filter((line) => line.startsWith("| `-"));
    const { stdout } = skiff.run([command, "--help"]);
    const [, told = ""] = /\nOptions:\n([\s\S]*?)\n\n/.exec(stdout) ?? [];
    const expected = new Set([...optionsIn(told)].filter((option) => option !== "--help"));
    expect(optionsIn(rows.map((row) => row.split(" | ")[0]).join("\n"))).toEqual(expected);
  });

  it("names the engines that can be asked for", () => {
    expect(page("commands.md")).toContain(`\`--engine ${ENGINE_WORDS.join("\\|")}\``);
  });
});
