import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { SampleError } from "../lack.ts";

/** A kernel of this host that a guest can run as well. */
export interface GuestKernel {
  /** Path of the file that boots, e.g. `/boot/vmlinuz-6.1.0-13-cloud-amd64`. */
  readonly path: string;
  readonly release: string;
  /** Its modules' folder. */
  readonly modules: string;
}

const UNPACK: ReadonlyMap<string, readonly string[]> = new Map([
  [".ko.xz", ["xz", "-dc"]],
  [".ko.gz", ["gzip", "-dc"]],
  [".ko.zst", ["zstd", "-dc"]],
]);
const MODULE_BYTES_MAX = 64 << 20;

/**
 * The kernel for guests below a root folder: one for clouds, which has fewer drivers and starts sooner, before others; the
 * newest of those. Undefined where there is none that this user may read.
 */
export function findGuestKernel(root = "/"): GuestKernel | undefined {
  const boot = join(root, "boot");
  const found = existsSync(boot) ? readdirSync(boot).filter((name) => name.startsWith("vmlinuz-")) : [];
  const kernels = found.map((name) => {
    const release = name.slice("vmlinuz-".length);
    return { path: join(boot, name), release, modules: join(root, "lib/modules", release) };
  });
  return kernels.filter(({ path }) => isReadable(path)).sort(byPreference)[0];
}

function byPreference(a: GuestKernel, b: GuestKernel): number {
  const isCloud = ({ release }: GuestKernel) => Number(release.includes("cloud"));
  return isCloud(b) - isCloud(a) || b.release.localeCompare(a.release, "en", { numeric: true });
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The files of modules and of all that they need, in the order in which they can be loaded; none for what is built in.
 * @param names as modprobe takes them, e.g. `virtio_net`.
 * @throws SampleError where the kernel has no such module.
 */
export function modulesInOrder({ modules }: GuestKernel, names: readonly string[]): string[] {
  const needs = parseDependencies(readText(join(modules, "modules.dep")));
  const builtIn = new Set(readText(join(modules, "modules.builtin")).split("\n").map(nameOf));
  const files = names.flatMap((name) => {
    if (builtIn.has(name)) return [];
    const path = [...needs.keys()].find((file) => nameOf(file) === name);
    if (path === undefined) throw new SampleError(`the kernel below ${modules} has no module ${name}`);
    // modules.dep(5) names what is needed with the last to be loaded first.
    return [...(needs.get(path) ?? []).toReversed(), path];
  });
  return [...new Set(files)].map((file) => join(modules, file));
}

/** Lines of modules.dep (depmod(8)): a module's file, a colon, the files of what it needs. */
function parseDependencies(text: string): Map<string, string[]> {
  return new Map(
    text.split("\n").flatMap((line): [string, string[]][] => {
      const [file = "", needs] = line.split(":");
      return needs === undefined ? [] : [[file, needs.split(" ").filter((word) => word !== "")]];
    }),
  );
}

function nameOf(file: string): string {
  return basename(file)
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new SampleError(`${path} cannot be read; mend: depmod`, { cause: error });
  }
}

/** A module's bytes, unpacked. */
export function readModule(path: string): Uint8Array {
  const [, tool] = [...UNPACK].find(([ending]) => path.endsWith(ending)) ?? [];
  if (tool === undefined) return readFileSync(path);
  const [program = "", ...args] = tool;
  const { stdout, status, error } = spawnSync(program, [...args, path], { maxBuffer: MODULE_BYTES_MAX });
  if (error !== undefined || status !== 0) throw new SampleError(`${program} cannot unpack ${path}`);
  return stdout;
}
