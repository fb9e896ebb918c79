// Builds dist/: the command line as one CommonJS file (it starts faster than ESM on Node 20, and each command's
// module is evaluated only when it is asked for), the library as ESM, the emulator, the library for pages, and types.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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

/** CommonJS for Node. */
const buildCommonJs = (entry, outfile) =>
  build({
    ...common,
    entryPoints: [entry],
    outfile,
    format: "cjs",
    logOverride: { "empty-import-meta": "silent" },
    supported: { "dynamic-import": false },
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [lazyChildProcess, commandsApart, emulatorApart("cjs")],
  });

/** What a start must parse and compile lies beside what is started, with a code cache. */
const CACHED = [
  ["skiff.cjs", "src/cli/main.ts"],
  ["skiff-hvt.cjs", "src/cli/skiff-hvt.ts"],
  [EMULATOR, "src/engine/emulator/engine.ts"],
];
const PLAIN = [
  ["skiff-spt.cjs", "src/cli/skiff-spt.ts"],
  ...APART.map((command) => [`skiff-${command}.cjs`, `src/cli/${command}.ts`]),
];
const bundleOf = (file) => file.replace(/\.cjs$/, ".bundle.cjs");
for (const [file, entry] of PLAIN) await buildCommonJs(entry, join("dist", file));
copyFileSync("scripts/load-cached.cjs", "dist/load-cached.cjs");
for (const [file, entry] of CACHED) {
  await buildCommonJs(entry, join("dist", bundleOf(file)));
  const load = `require("./load-cached.cjs").load(\`\${__dirname}/${bundleOf(file)}\`,module,require);\n`;
  writeFileSync(join("dist", file), load);
}
for (const program of ["skiff.cjs", "skiff-hvt.cjs", "skiff-spt.cjs"]) {
  const path = join("dist", program);
  writeFileSync(path, `#!/usr/bin/env node\n${readFileSync(path, "utf8")}`);
  chmodSync(path, 0o755);
}
writeCodeCaches();
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

/** A start without them is right, too: who builds on a host that cannot run guests is told, and goes on. */
function writeCodeCaches() {
  const images = `guests/images/${process.arch === "arm64" ? "aarch64" : "x86_64"}`;
  const emulated = "guests/images/aarch64/hello.hvt";
  const folder = mkdtempSync(join(tmpdir(), "skiff-build-"));
  const { NODE_OPTIONS: _, ...env } = process.env;
  for (const [program, ...commands] of [
    [
      "dist/skiff.cjs",
      ["build", "-o", join(folder, "hello"), `${images}/hello.spt`],
      ["run", "--engine", "emulator", emulated],
    ],
    ["dist/skiff-hvt.cjs", ["--mem=64", emulated]],
  ]) {
    const words = ["scripts/code-cache.cjs", program, JSON.stringify(commands)];
    const { status, signal, stderr } = spawnSync(process.execPath, words, { env, encoding: "utf8", timeout: 60_000 });
    if (status !== 0)
      console.error(`build: ${program} has no code cache, and starts slower: ${signal ?? stderr.trim()}`);
  }
  rmSync(folder, { recursive: true });
}
