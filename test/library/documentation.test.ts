import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { run } from "../support/command.ts";
import { kvm } from "../support/kvm.ts";
import { describeWith } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** The page's first example in TypeScript. */
function exampleOf(page: string): string {
  const [, example] = /^```ts\n([\s\S]*?)^```$/m.exec(readFileSync(join(ROOT, "docs", page), "utf8")) ?? [];
  if (example === undefined) throw new Error(`${page} has no example`);
  return example;
}

describeWith([kvm], "the documentation's example", () => {
  const folder = temporaryFolder();

  it("of a machine on KVM works as it stands, where Skiff is installed", () => {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/skiff-vm"));
    writeFileSync(join(folder, "example.mjs"), exampleOf("kvm.md"));
    const { end, stdout, stderr } = run(process.execPath, ["example.mjs"], { folder });
    expect([end, stderr]).toEqual([0, ""]);
    expect(stdout).toBe("Hello from a unikernel.\nCommand line: from a program\nended with 0\n");
  });
});
