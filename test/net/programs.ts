import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { type Ended, run, succeed } from "../support/command.ts";

const ROOT = join(import.meta.dirname, "../..");
const GUESTS = join(ROOT, "guests");
export const SOURCES = join(import.meta.dirname, "c");

/** What binds the stack to one Solo5 device: tests bring devices of their own. */
const BINDING = ["serve.c", "secret.c"];

function stackSources(): readonly string[] {
  const net = readdirSync(join(GUESTS, "net")).filter((name) => name.endsWith(".c") && !BINDING.includes(name));
  const shared = ["serve/pool.c", "serve/wheel.c", "serve/byte_queue.c", "lib/arena.c"];
  return [...net.map((name) => `net/${name}`), ...shared].map((name) => join(GUESTS, name));
}

/** Words that compile with the host's compiler, so that reading or writing anywhere wrong ends the program. */
const SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-O1"];
const FLAGS = ["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror"];

export interface Programs {
  /** Compiles a program of test/net/c with the stack and further sources of guests/; gives its path. */
  readonly compile: (name: string, further?: readonly string[]) => string;
  /** Compiles a program of test/net/c that stands alone. */
  readonly compileTool: (name: string) => string;
}

/** Programs in a folder that is there while the tests of a file run. */
export function programsOfTests(): Programs {
  const folder = mkdtempSync(join(tmpdir(), "skiff-net-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const includes = ["-I", GUESTS, "-I", join(GUESTS, "include"), "-I", SOURCES];
  return {
    compile: (name, further = []) => {
      const path = join(folder, name);
      const sources = [join(SOURCES, `${name}.c`), ...further.map((file) => join(ROOT, file)), ...stackSources()];
      succeed("gcc", ...FLAGS, ...SANITIZED, ...includes, ...sources, "-o", path);
      return path;
    },
    compileTool: (name) => {
      const path = join(folder, name);
      succeed("gcc", ...FLAGS, "-O2", "-I", SOURCES, join(SOURCES, `${name}.c`), "-o", path);
      return path;
    },
  };
}

/** Runs a program to its end, which must be a good one. */
export function hold(program: string, ...args: readonly string[]): Ended {
  const ended = run(program, args);
  if (ended.end !== 0) throw new Error(`${program} ${args.join(" ")}: ${ended.end}\n${ended.stderr}`);
  return ended;
}
