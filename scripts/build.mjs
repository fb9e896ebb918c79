// Builds dist/: the command line as one CommonJS file (it starts faster than ESM on Node 20, and each command's
// module is evaluated only when it is asked for), the library as ESM, the emulator, the library for pages, and types.
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { ringWorker } from "./ring-worker.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
rmSync("dist", { recursive: true, force: true });

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const define = { SKIFF_VERSION: JSON.stringify(version), ...(await ringWorker()) };
const common = { bundle: true, platform: "node", target: "node20", external: ["koffi"], define, logLevel: "warning" };

/** Commander would load it at every start, some 2 ms, for subcommands that are programs of their own: Skiff has none. */
const lazyChildProcess = {
  name: "child_process of commander only when used",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes("/commander/") ? { path: "child_process", namespace: "lazy" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "lazy" }, () => ({
      contents: "exports.spawn = (...args) => require('node:child_process').spawn(...args);",
    }));
  },
};

/** Large commands lie in files of their own: what Node must parse before it runs a guest counts in each run. */
const APART = ["bench", "doctor"];
const commandsApart = {
  name: "large commands apart",
  setup({ onResolve }) {
    const filter = new RegExp(`^\\./(${APART.join("|")})\\.ts$`);
    onResolve({ filter }, ({ path, importer }) =>
      importer.endsWith("/src/cli/program.ts")
        ? { path: path.replace("./", "./skiff-").replace(".ts", ".cjs"), external: true }
        : undefined,
    );
  },
};

/** The emulator lies in a file of its own, which a guest that needs it loads: see src/monitor/load-emulator.ts. */
const EMULATOR = "./emulator.cjs";
const emulatorApart = (format) => ({
  name: "emulator apart",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^\.\/emulator\.cjs$/ }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /\/src\/monitor\/load-emulator\.ts$/ }, ({ path }) => ({
      contents:
        format === "cjs"
          ? `export const loadEmulator = () => require("${EMULATOR}");`
          : `import { createRequire } from "node:module";
             export const loadEmulator = () => createRequire(import.meta.url)("${EMULATOR}");`,
      resolveDir: dirname(path),
    }));
  },
});

for (const [command, entry] of [
  ["skiff", "src/cli/main.ts"],
  ["skiff-spt", "src/cli/skiff-spt.ts"],
  ["skiff-hvt", "src/cli/skiff-hvt.ts"],
  ...APART.map((command) => [`skiff-${command}`, `src/cli/${command}.ts`]),
]) {
  const outfile = `dist/${command}.cjs`;
  await build({
    ...common,
    entryPoints: [entry],
    outfile,
    format: "cjs",
    logOverride: { "empty-import-meta": "silent" },
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [lazyChildProcess, commandsApart, emulatorApart("cjs")],
    banner: { js: "#!/usr/bin/env node" },
  });
  chmodSync(outfile, 0o755);
}
await build({
  ...common,
  entryPoints: ["src/engine/emulator/engine.ts"],
  outfile: `dist/${EMULATOR}`,
  format: "cjs",
  minifyWhitespace: true,
  minifySyntax: true,
});
await build({
  ...common,
  entryPoints: ["src/index.ts"],
  outfile: "dist/index.js",
  format: "esm",
  plugins: [emulatorApart("esm")],
});
await build({
  bundle: true,
  platform: "browser",
  target: "es2022",
  entryPoints: ["src/browser.ts"],
  outfile: "dist/browser.js",
  format: "esm",
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: "warning",
});
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
