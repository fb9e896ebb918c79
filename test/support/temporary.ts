import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A folder of its own for the tests of a file; it goes when they have ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A file of zeros, without blocks on the disk. */
export function sparseFile(path: string, sizeBytes: number): string {
  writeFileSync(path, "");
  truncateSync(path, sizeBytes);
  return path;
}
