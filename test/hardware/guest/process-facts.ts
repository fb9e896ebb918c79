import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const START_CODE_ADDRESS = 2 ** 38;
/** What the kernel itself maps into every process. */
const KERNEL_MAPPINGS = /\[(vdso|vvar|vvar_vclock|vsyscall)\]$/;

/** Asserts that the process has a guest's memory, start code, and nothing more; and no page to write and to execute. */
export function assertGuestMemoryAlone(pid: number, memoryBytes: number): void {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8").trimEnd().split("\n");
  assert.ok(maps.length > 3, "the process has mappings");
  for (const line of maps) {
    const [, start = "", end = "", rights = ""] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    const address = Number.parseInt(start, 16);
    const isGuestMemory = Number.parseInt(end, 16) <= memoryBytes;
    assert.ok(isGuestMemory || address === START_CODE_ADDRESS || KERNEL_MAPPINGS.test(line), line);
    assert.ok(!(rights.includes("w") && rights.includes("x")), line);
  }
}

/** What the process has open, in the order of its descriptors. */
export function openFiles(pid: number): string[] {
  const descriptors = readdirSync(`/proc/${pid}/fd`).map(Number);
  return descriptors.sort((a, b) => a - b).map((descriptor) => readlinkSync(`/proc/${pid}/fd/${descriptor}`));
}
