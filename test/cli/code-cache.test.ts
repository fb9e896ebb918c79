/** The bytecode that `npm run build` puts beside what a start loads. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Script } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";

const ROOT = join(import.meta.dirname, "../..");
const DIST = join(ROOT, "dist");
const BUNDLES = readdirSync(DIST).filter((name) => name.endsWith(".bundle.cjs"));
const HELLO = "Hello from a unikernel.\n";
// Inside node_modules, so that the copy still finds koffi.
const copies = mkdtempSync(join(ROOT, "node_modules/.test-"));
afterAll(() => rmSync(copies, { recursive: true }));

/** @param change given each bundle's path and its cache's, in a copy of what was built. */
function copyOfDist(name: string, change: (bundle: string, cache: string) => void): string {
  const folder = join(copies, name);
  cpSync(DIST, folder, { recursive: true, filter: (path) => path !== join(DIST, "types") });
  for (const bundle of BUNDLES) change(join(folder, bundle), cacheOf(join(folder, bundle)));
  return join(folder, "skiff.cjs");
}
const { cacheOf, compile } = createRequire(import.meta.url)(join(DIST, "load-cached.cjs")) as {
  readonly cacheOf: (filename: string) => string;
  readonly compile: (filename: string) => Script;
};
const hello = (program: string) =>
  run(process.execPath, [program, "run", "--engine", "emulator", kitImagePath("hello", "hvt", "aarch64")]);

describe("the code cache", () => {
  it("is there for what every start loads", () => {
    expect(BUNDLES.sort()).toEqual(["emulator.bundle.cjs", "skiff-hvt.bundle.cjs", "skiff.bundle.cjs"]);
  });

  it.each(BUNDLES)("of %s is taken by the Node that built it", (bundle) => {
    expect(compile(join(DIST, bundle)).cachedDataRejected).toBe(false);
  });

  it("may be missing", () => {
    expect(hello(copyOfDist("missing", (_, cache) => rmSync(cache)))).toEqual({ end: 0, stdout: HELLO, stderr: "" });
  });

  it("may be another version's", () => {
    const program = copyOfDist("other", (bundle, cache) => {
      const bytes = readFileSync(cache);
      // V8's `SerializedCodeData`: a magic number, then a hash of its version.
      bytes.writeUInt32LE(bytes.readUInt32LE(4) ^ 1, 4);
      writeFileSync(cache, bytes);
      expect(compile(bundle).cachedDataRejected).toBe(true);
    });
    expect(hello(program)).toEqual({ end: 0, stdout: HELLO, stderr: "" });
  });
});
