import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type ReadText, readField, readText } from "../../host/probe/text.ts";
import { type Lack, lack } from "../lack.ts";

/** STREAM's rule: each array at least four times the last-level cache. */
const CACHES = 4;
/** Some boards' kernels tell of no cache: more than any such board has. */
const UNKNOWN_CACHE_BYTES = 2 ** 23;
const CACHE_FOLDER = "/sys/devices/system/cpu/cpu0/cache";
/** Of this host's available memory, what the arrays may take. */
const MEMORY_SHARE = 0.5;
const KIB = 1024;
const GIB = 2 ** 30;

/** Bytes of one array on this host. */
export function arrayBytes(): number {
  return CACHES * (lastLevelCacheBytes(cacheFolders(), readText) ?? UNKNOWN_CACHE_BYTES);
}

function cacheFolders(): string[] {
  try {
    return readdirSync(CACHE_FOLDER)
      .filter((name) => name.startsWith("index"))
      .map((name) => join(CACHE_FOLDER, name));
  } catch {
    return [];
  }
}

/**
 * Size of the cache of the highest level that holds data; undefined where none is told.
 * @param folders of the caches of one processor (sysfs-devices-system-cpu, `cache/index*`).
 */
export function lastLevelCacheBytes(folders: readonly string[], read: ReadText): number | undefined {
  const caches = folders.flatMap((folder) => {
    const field = (name: string) => read(join(folder, name))?.trim();
    const level = Number(field("level"));
    const bytes = parseCacheSize(field("size"));
    return field("type") === "Instruction" || !(level > 0) || bytes === undefined ? [] : [{ level, bytes }];
  });
  return caches.sort((a, b) => b.level - a.level)[0]?.bytes;
}

/** e.g. `32K`, `12M`. */
function parseCacheSize(text: string | undefined): number | undefined {
  const match = /^(\d+)([KM])$/.exec(text ?? "");
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (match[2] === "K" ? KIB : KIB * KIB);
  return bytes > 0 ? bytes : undefined;
}

/** Why there is no room for the arrays; undefined where there is. */
export function lackOfMemory(bytes: number, meminfo: string | undefined): Lack | undefined {
  const availableKib = Number.parseInt(readField(meminfo, "MemAvailable") ?? "", 10);
  if (Number.isNaN(availableKib) || bytes <= availableKib * KIB * MEMORY_SHARE) return undefined;
  const gib = (value: number) => (value / GIB).toFixed(1);
  return lack(
    `its arrays, of ${CACHES} times the last-level cache each, take ${gib(bytes)} GiB; half of the ${gib(availableKib * KIB)} GiB available is for it`,
  );
}
