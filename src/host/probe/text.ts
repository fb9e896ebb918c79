import { readFileSync } from "node:fs";

/** Reads a small text file of the host, e.g. of /proc; undefined where there is none or it may not be read. */
export type ReadText = (path: string) => string | undefined;

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/** The value of a kernel parameter by its sysctl(8) name, e.g. `vm.overcommit_memory`; undefined where the kernel has none. */
export function readSysctl(name: string, read: ReadText): string | undefined {
  return read(`/proc/sys/${name.replaceAll(".", "/")}`)?.trim();
}

/** The value after `name:` in lines such as /proc/meminfo's and /proc/self/status's; the first one counts. */
export function readField(text: string | undefined, name: string): string | undefined {
  for (const line of text?.split("\n") ?? []) {
    const colon = line.indexOf(":");
    if (colon >= 0 && line.slice(0, colon).trim() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}
