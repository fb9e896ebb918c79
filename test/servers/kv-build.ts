import { mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { HARNESS, KIT, must, SANITIZED, sourcesOf } from "./build.ts";

/** Builds the key-value server with serve.h and Solo5 in memory, under sanitizers, in `folder`: what `linkKv` takes. */
export function compileKv(folder: string): string {
  const objects = join(folder, "kv-objects");
  mkdirSync(objects);
  const sources = [...sourcesOf("kv", "entropy.c"), ...KIT, join(HARNESS, "fake_serve.c"), join(HARNESS, "kv_fake.c")];
  const compiled = (source: string) => join(objects, `${basename(source, ".c")}.o`);
  // Two sources may have the same name, but not here.
  for (const source of sources) must("gcc", ...SANITIZED, "-DLOG_STEP_BYTES=512", "-c", "-o", compiled(source), source);
  return objects;
}

/** Links a program of test/servers/c with what `compileKv` built. Returns its path. */
export function linkKv(name: string, objects: string, folder: string): string {
  const made = join(folder, name);
  const all = readdirSync(objects).map((object) => join(objects, object));
  must("gcc", ...SANITIZED, "-o", made, join(HARNESS, `${name}.c`), ...all);
  return made;
}
