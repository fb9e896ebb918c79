import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { UsageError } from "../monitor/error.ts";
import type { Result, RunManifest } from "./manifest.ts";
import type { Plan } from "./plan.ts";
import type { Sample } from "./sample.ts";

/** manifest.json as a run writes it: what a report needs, and what the run needs to go on. */
export interface StoredManifest extends RunManifest {
  readonly plan: Plan;
}

export interface StoredResult extends Result {
  readonly manifest: StoredManifest;
}

const MANIFEST = "manifest.json";
const SAMPLES = "samples.jsonl";
const LINE_END = 0x0a;

/** Whether a run was begun in the folder. */
export function holdsResult(folder: string): boolean {
  return existsSync(join(folder, MANIFEST));
}

/**
 * Reads a result; a last line without its line end, of a run that was killed as it wrote, does not count.
 * @throws UsageError where the folder holds none, or what is there is not one.
 */
export function readResult(folder: string): StoredResult {
  if (!holdsResult(folder)) {
    throw new UsageError(`${folder} holds no result; give the folder that skiff bench --output wrote`);
  }
  const manifest = parseManifest(folder, readFileSync(join(folder, MANIFEST), "utf8"));
  const path = join(folder, SAMPLES);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const samples = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1)
    .map((line, index) => parseSample(path, line, index + 1));
  return { manifest, samples };
}

function parseManifest(folder: string, text: string): StoredManifest {
  const value = parseObject(text);
  if (!isManifest(value) || !("plan" in value) || !isObject(value.plan)) {
    throw new UsageError(`${join(folder, MANIFEST)} is not of this Skiff's format; give another folder`);
  }
  return value as StoredManifest;
}

/** A result from parsed JSON of a report; undefined where it is none. */
export function checkResult(manifest: unknown, samples: unknown): Result | undefined {
  if (!isManifest(manifest) || !Array.isArray(samples)) return undefined;
  return samples.every((sample) => isObject(sample) && isSample(sample)) ? { manifest, samples } : undefined;
}

/** What every reader of a manifest relies on; single facts that are missing are shown as such. */
function isManifest(value: unknown): value is RunManifest {
  if (!isObject(value)) return false;
  const { format, host, cores, workloads, targets, notRun } = value as Readonly<Record<string, unknown>>;
  if (format !== "skiff-bench-1" || !isObject(cores) || !areObjects(targets) || !areObjects(notRun)) return false;
  if (!areObjects(workloads) || !isObject(host) || !("machine" in host) || !isObject(host.machine)) return false;
  return workloads.every((workload) => "metrics" in workload && areObjects(workload.metrics));
}

function areObjects(value: unknown): value is object[] {
  return Array.isArray(value) && value.every(isObject);
}

function parseSample(path: string, line: string, number: number): Sample {
  const value = parseObject(line);
  if (value === undefined || !isSample(value)) {
    throw new UsageError(`${path}: line ${number} is not a sample; remove that line, or give another folder`);
  }
  return value;
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const FIELDS: Readonly<Record<keyof Sample, (value: unknown) => boolean>> = {
  workload: isText,
  block: isCount,
  attempt: isCount,
  turn: isCount,
  target: isText,
  again: (value) => typeof value === "boolean",
  at: isText,
  tookMs: isCount,
  path: (value) => value === null || isText(value),
  values: (value) => value === null || (isObject(value) && Object.values(value).every(Number.isFinite)),
  failure: (value) => value === null || isText(value),
  notes: (value) => Array.isArray(value) && value.every(isText),
  clients: (value) => Array.isArray(value) && value.every(isText),
  signals: (value) => Array.isArray(value) && value.every(isText),
  conditions: isObject,
};

function isSample(value: object): value is Sample {
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(value));
  return Object.entries(FIELDS).every(([name, holds]) => holds(fields.get(name)));
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * With its parents; not by `recursive`, which never ends on file systems that make no folders, such as /proc.
 * @returns the folders made, the innermost first.
 */
function makeFolder(path: string): string[] {
  if (existsSync(path)) return [];
  const parents = makeFolder(dirname(path));
  mkdirSync(path);
  return [path, ...parents];
}

/** The files of a run that goes on. */
export class ResultFolder {
  readonly path: string;
  readonly #samples: number;
  readonly #made: readonly string[];

  /**
   * Makes the folder where it is missing, and cuts off an incomplete last line.
   * @throws UsageError where the folder cannot be written.
   */
  constructor(path: string) {
    this.path = path;
    try {
      this.#made = makeFolder(path);
      this.#samples = openSync(join(path, SAMPLES), "a+");
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : error;
      throw new UsageError(`--output ${path}: it cannot be written (${code}); give another folder`, { cause: error });
    }
    const bytes = readFileSync(join(path, SAMPLES));
    ftruncateSync(this.#samples, bytes.lastIndexOf(LINE_END) + 1);
  }

  /** Appends a sample; when this returns, it is on the disk. */
  append(sample: Sample): void {
    const line = Buffer.from(`${JSON.stringify(sample)}\n`);
    let written = 0;
    while (written < line.length) written += writeSync(this.#samples, line, written);
    fsyncSync(this.#samples);
  }

  /** Writes the manifest anew: at any moment there is the old one or the new one. */
  writeManifest(manifest: StoredManifest): void {
    const path = join(this.path, MANIFEST);
    const temporary = `${path}.new`;
    const descriptor = openSync(temporary, "w");
    try {
      writeFileSync(descriptor, `${JSON.stringify(manifest, undefined, 1)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  }

  /** Removes what was made for a run that never began. */
  close(): void {
    closeSync(this.#samples);
    rmSync(join(this.path, `${MANIFEST}.new`), { force: true });
    if (holdsResult(this.path)) return;
    rmSync(join(this.path, SAMPLES), { force: true });
    for (const folder of this.#made) {
      if (readdirSync(folder).length > 0) return;
      rmdirSync(folder);
    }
  }
}
