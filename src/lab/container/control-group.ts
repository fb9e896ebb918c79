import { readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const LIMIT_MS = 2_000;
const LOOK_AGAIN_MS = 2;

/**
 * Removes a control group, with those below it, from every hierarchy that has it: what a runtime leaves that was killed before it wrote down
 * what it had made. Its processes have ended.
 * @param name directly below the hierarchies' roots.
 */
export async function removeControlGroup(name: string): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  for (const path of hierarchies()) {
    while (!isRemoved(join(path, name)) && performance.now() < endMs) await setTimeout(LOOK_AGAIN_MS);
  }
}

/** Where control groups are mounted (proc(5), /proc/pid/mounts). */
export function hierarchies(mounts: string = readFileSync("/proc/self/mounts", "utf8")): string[] {
  return mounts.split("\n").flatMap((line) => /^\S+ (\S+) cgroup2? /.exec(line)?.[1] ?? []);
}

/** False as long as the kernel is at clearing its processes away. */
function isRemoved(path: string): boolean {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory() && !isRemoved(join(path, entry.name))) return false;
    }
    rmdirSync(path);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EBUSY") return false;
    if (code === "ENOENT" || code === "EROFS") return true;
    throw error;
  }
}
