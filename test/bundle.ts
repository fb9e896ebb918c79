import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { ringWorker } from "../scripts/ring-worker.mjs";

const root = resolve(import.meta.dirname, "..");

/** A TypeScript program made into one file that Node runs, for tests that need a process of its own. */
export interface Bundle {
  readonly path: string;
  readonly remove: () => void;
}

/** @param entry the program's path from the project's root. */
export async function bundle(entry: string): Promise<Bundle> {
  // Inside node_modules, so that the bundle still resolves the packages it leaves external.
  const folder = mkdtempSync(join(root, "node_modules/.test-"));
  const path = join(folder, "program.cjs");
  await build({
    entryPoints: [join(root, entry)],
    outfile: path,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logOverride: { "empty-import-meta": "silent" },
    packages: "external",
    define: await ringWorker(),
    logLevel: "warning",
  });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
