import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";

const { XDG_CACHE_HOME = join(homedir(), ".cache") } = process.env;

/** Where the test bed keeps what it fetched, between runs: `$XDG_CACHE_HOME/skiff/hardware`. */
export const CACHE_FOLDER = join(XDG_CACHE_HOME, "skiff/hardware");

/** The file's digest, e.g. by `sha256` in `hex`; undefined where there is no such file. */
export function digestOf(path: string, algorithm: string, encoding: "hex" | "base64"): string | undefined {
  if (!existsSync(path)) return undefined;
  return createHash(algorithm).update(readFileSync(path)).digest(encoding);
}

/**
 * A folder of the cache, filled by `fill` where it is not there yet. It appears whole or not at all, so that a run which
 * is cut short, or two runs at a time, leave nothing half done.
 */
export function cachedFolder(path: string, fill: (folder: string) => void): string {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = mkdtempSync(join(dirname(path), `.${basename(path)}-`));
  try {
    fill(unfinished);
    if (!existsSync(path)) renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return path;
}
