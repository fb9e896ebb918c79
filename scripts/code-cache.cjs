// Puts V8's bytecode beside the bundles that commands load: node code-cache.cjs PROGRAM COMMANDS
// COMMANDS (JSON: lists of words) run one after the other in this process; what any of them calls is in the bytecode.
const { writeFileSync } = require("node:fs");
const { dirname, resolve } = require("node:path");
const v8 = require("node:v8");

const [file, words] = process.argv.slice(2);
const program = resolve(file);
const commands = JSON.parse(words);
const loader = require(`${dirname(program)}/load-cached.cjs`);

// V8 takes a cache by the flags that it was made with: at a start there are none yet.
v8.setFlagsFromString = () => {};

const scripts = new Map();
const { compile } = loader;
loader.compile = (filename) => {
  const script = scripts.get(filename) ?? compile(filename);
  scripts.set(filename, script);
  return script;
};

/** Called whenever a command has left nothing to wait for. */
function next() {
  if (process.exitCode) return;
  const command = commands.shift();
  if (command === undefined) {
    for (const [filename, script] of scripts) writeFileSync(loader.cacheOf(filename), script.createCachedData());
    return;
  }
  process.argv = [process.execPath, program, ...command];
  delete require.cache[program];
  require(program);
  // Without this, a command that waits for nothing would be the last.
  setImmediate(() => {});
}
process.on("beforeExit", next);
