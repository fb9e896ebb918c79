import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE_FOLDER, cachedFolder, digestOf } from "./cache.ts";
import { capture } from "./command.ts";
import { BedError } from "./error.ts";

/** One version of an npm package, pinned as a lock file pins it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-` and the base64 of the tarball's digest. */
  readonly integrity: string;
}

/** The package's files, in a folder of the cache: npm would not install them, they are for another architecture. */
export function unpackNpm({ name, version, integrity }: NpmPackage): string {
  const [algorithm = "", digest = ""] = integrity.split(/-(.*)/s);
  const key = `${name.replace("/", "+")}-${version}-${digest.slice(0, 12).replaceAll("/", "_")}`;
  const folder = cachedFolder(join(CACHE_FOLDER, "npm", key), (unfinished) => {
    const listing = capture("npm", ["pack", `${name}@${version}`, "--silent", "--pack-destination", unfinished]);
    const tarball = join(unfinished, listing.trim().split("\n").at(-1) ?? "");
    const found = digestOf(tarball, algorithm, "base64");
    if (found !== digest)
      throw new BedError(`${name}@${version}: integrity is ${algorithm}-${found}, expected ${integrity}`);
    capture("tar", ["-xzf", tarball, "-C", unfinished]);
  });
  return join(folder, "package");
}

/** A package as the project's own lock file pins it. */
export function lockedPackage(name: string, root: string): NpmPackage {
  const lock: { packages: Record<string, { version?: string; integrity?: string }> } = JSON.parse(
    readFileSync(join(root, "package-lock.json"), "utf8"),
  );
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) throw new BedError(`package-lock.json does not pin ${name}`);
  return { name, version, integrity };
}
