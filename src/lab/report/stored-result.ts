import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../monitor/error.ts";
import type { Result } from "../manifest.ts";
import { checkResult, holdsResult, readResult } from "../result-folder.ts";
import { DOCUMENT_FORMAT } from "./document.ts";

const REPORT = "report.json";

/**
 * Reads a result for a report: from the folder of a run, or from a `report.json` alone, as it is sent to others.
 * @throws UsageError where the path holds neither.
 */
export function readAnyResult(path: string): Result {
  const kind = statSync(path, { throwIfNoEntry: false });
  if (kind === undefined) {
    throw new UsageError(`${path} is not there; give a folder that skiff bench wrote, or a report.json of one`);
  }
  if (!kind.isDirectory()) return readReport(path);
  const report = join(path, REPORT);
  return !holdsResult(path) && existsSync(report) ? readReport(report) : readResult(path);
}

function readReport(path: string): Result {
  const refusal = `${path} is not a report.json of this Skiff's format; give the one that skiff bench wrote`;
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(refusal, { cause: error });
  }
  if (typeof document !== "object" || document === null || !("format" in document)) throw new UsageError(refusal);
  if (document.format !== DOCUMENT_FORMAT || !("manifest" in document) || !("samples" in document)) {
    throw new UsageError(refusal);
  }
  const result = checkResult(document.manifest, document.samples);
  if (result === undefined) throw new UsageError(refusal);
  return result;
}
