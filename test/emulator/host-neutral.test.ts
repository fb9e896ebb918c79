import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, transformSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { filesBelow } from "../guests/guest.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** What must run wherever there is JavaScript. */
const FOLDERS = ["engine/emulator", "engine/guest", "memory", "format", "abi", "device"].map((name) => `src/${name}`);
/** The entry for pages. */
const PAGE_ENTRY = "src/browser.ts";
const IMPORT = /^(?:import|export (?:type )?[{*])[^;"]*"([^"]+)";$/gm;
const STRING = /`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;
const NAME_OF_NODE = /\bprocess[.[]|\b(?:Buffer|setImmediate|__dirname|__filename)\b(?!:)|\b(?:global\.|require\()/;

/** Every file that the entries come to. A module that is not a file of this project ends the walk with an error. */
async function reached(entries: readonly string[]): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [...entries],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    outdir: "out",
    platform: "browser",
    format: "esm",
    metafile: true,
    logLevel: "silent",
  });
  return Object.keys(metafile.inputs);
}

describe("the emulator and all that it imports", async () => {
  const own = FOLDERS.flatMap((folder) => filesBelow(join(ROOT, folder)).map((file) => `${folder}/${file}`));
  const files = await reached([...own, PAGE_ENTRY]);
  const source = (file: string) => readFileSync(join(ROOT, file), "utf8");

  it("are found", () => {
    expect(own).toContain("src/engine/emulator/processor/processor.ts");
    expect(files).toEqual(expect.arrayContaining([...own, PAGE_ENTRY, "src/monitor/hvt-machine.ts"]));
  });

  it("are files of Skiff's own, and none that is for a host", () => {
    for (const file of files) {
      expect(file).toMatch(/^src\/(?!host\/|lab\/|cli\/)/);
      expect(file).not.toMatch(/\.ffi\.ts$/);
    }
  });

  it("import no package and nothing of Node's, not even types", () => {
    const imports = own.flatMap((file) => [...source(file).matchAll(IMPORT)].map(([, path]) => `${file}: ${path}`));
    expect(imports.length).toBeGreaterThan(own.length);
    for (const line of imports) expect(line).toMatch(/: \.\.?\//);
  });

  it("know none of the names that only Node has", () => {
    for (const file of files) {
      const { code } = transformSync(source(file), { loader: "ts", minifyWhitespace: true });
      expect(NAME_OF_NODE.exec(code.replaceAll(STRING, '""'))?.[0], `in ${file}`).toBeUndefined();
    }
  });
});
