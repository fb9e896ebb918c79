// The constant by which whoever bundles Skiff puts the program of its network rings' thread into it.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** This file may itself be bundled elsewhere, into a program that run-ts.mjs runs. */
const root = process.env.SKIFF_ROOT ?? fileURLToPath(new URL("..", import.meta.url));

/** @returns what esbuild's and Vite's `define` take. */
export async function ringWorker() {
  const { outputFiles } = await build({
    entryPoints: [join(root, "src/monitor/ring/worker.ts")],
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "cjs",
    packages: "external",
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "warning",
    // A program given as text would look for packages from the current folder on.
    banner: {
      js: 'globalThis.require=require("node:module").createRequire(require("node:worker_threads").workerData.requireFrom);',
    },
  });
  return { SKIFF_RING_WORKER: JSON.stringify(outputFiles[0].text) };
}
