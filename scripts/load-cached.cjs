// Loads a bundle of dist/ with the bytecode that scripts/code-cache.mjs put beside it: to parse and compile is a quarter of a
// short command's time. V8 takes none of another version's, and compiles then, as it would without.
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");

/** V8 knows its version in a cache, and not the architecture. */
exports.cacheOf = (filename) => `${filename}.${process.arch}.cache`;

exports.compile = (filename) => {
  // esbuild writes ASCII alone.
  const source = readFileSync(filename, "latin1");
  const wrapped = `(function(exports,require,module,__filename,__dirname){${source}\n})`;
  let cachedData;
  try {
    cachedData = readFileSync(exports.cacheOf(filename));
  } catch {}
  return new Script(wrapped, { filename, ...(cachedData === undefined ? {} : { cachedData }) });
};

exports.load = (filename, module, require) => {
  const start = exports.compile(filename).runInThisContext();
  start.call(module.exports, module.exports, require, module, filename, __dirname);
};
