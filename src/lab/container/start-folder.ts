import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Workbench } from "../workbench.ts";

/** One start's own folder on this host. */
export interface StartFolder {
  readonly path: string;
  /** An empty folder for what the program writes. */
  readonly writes: string;
  readonly remove: () => void;
}

/** Makes an empty folder for one start. */
export function makeStartFolder(bench: Workbench, label: string): StartFolder {
  const path = bench.folder(label);
  const writes = join(path, "writes");
  mkdirSync(writes);
  return { path, writes, remove: () => rmSync(path, { recursive: true, force: true }) };
}
