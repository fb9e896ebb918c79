import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Guard } from "./workbench.ts";

/**
 * Waits for the end of its input, which comes with the lab's end, however that ends: runs the command of each guard that
 * is still there, and removes the folder.
 */
const SCRIPT = `cat > /dev/null
for guard in "$1"/guards/*; do [ -f "$guard" ] && sh "$guard" > /dev/null 2>&1; done
rm -rf "$1"`;

/** The run's folder, and a process that outlives the lab by a moment to leave nothing behind. */
export class Watchdog {
  readonly #folder = mkdtempSync(join(tmpdir(), "skiff-lab-"));
  readonly #guards = join(this.#folder, "guards");
  readonly #process: ChildProcess;
  #count = 0;

  constructor() {
    mkdirSync(this.#guards);
    // In a session of its own: neither Ctrl-C nor a signal to the lab's group ends it.
    this.#process = spawn("/bin/sh", ["-c", SCRIPT, "sh", this.#folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      cwd: "/",
    });
    this.#process.unref();
  }

  /** A new empty folder. */
  folder(label: string): string {
    return mkdtempSync(join(this.#folder, `${label}-`));
  }

  guard(words: readonly string[]): Guard {
    const path = join(this.#guards, String(this.#count++));
    writeFileSync(path, `${words.map(quote).join(" ")}\n`);
    return { release: () => rmSync(path, { force: true }) };
  }

  /** Runs what guards are left, removes the folder, and resolves when that is done. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.ref();
    const closed = once(this.#process, "close");
    this.#process.stdin?.end();
    await closed;
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
