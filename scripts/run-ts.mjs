// Runs a TypeScript program on Node 20, which cannot strip types itself: node scripts/run-ts.mjs FILE [ARGS]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { ringWorker } from "./ring-worker.mjs";

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node scripts/run-ts.mjs FILE [ARGS]");
  process.exit(1);
}
const root = fileURLToPath(new URL("..", import.meta.url));
// Inside node_modules, so that the bundle still resolves the packages it leaves external.
const folder = mkdtempSync(join(root, "node_modules/.run-ts-"));
const outfile = join(folder, "program.mjs");
let status = 1;
try {
  await build({
    entryPoints: [resolve(file)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    define: { "import.meta.dirname": JSON.stringify(resolve(file, "..")), ...(await ringWorker()) },
    logLevel: "warning",
  });
  const child = spawnSync(process.execPath, [outfile, ...args], {
    stdio: "inherit",
    env: { ...process.env, SKIFF_ROOT: root },
  });
  status = child.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status);
