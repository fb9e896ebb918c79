import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE_FOLDER, cachedFolder, digestOf } from "./cache.ts";
import { capture } from "./command.ts";
import { BedError } from "./error.ts";

/** One package as apt names it, with the checksum from Debian's signed index. */
interface DebianFile {
  readonly filename: string;
  readonly sha256: string;
}

interface DebianSource {
  readonly release: string;
  readonly uri: string;
}

const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Debian's packages of another architecture, fetched with this machine's own sources and keys. apt keeps the state of it
 * in the cache folder: neither root nor `dpkg --add-architecture` is needed, and this machine stays as it is.
 */
export class DebianArchive {
  readonly #architecture: string;
  readonly #folder: string;
  readonly #options: readonly string[];
  /** Stands where apt's lists are complete. */
  readonly #updated: string;

  constructor(
    /** As dpkg names it, e.g. `arm64`. */
    architecture: string,
    /** Where packages come from instead of this machine's own sources. */
    source?: DebianSource,
  ) {
    this.#architecture = architecture;
    this.#folder = join(
      CACHE_FOLDER,
      ["debian", architecture, ...(source === undefined ? [] : [source.release])].join("-"),
    );
    this.#updated = join(this.#folder, "updated");
    this.#options = [
      ["APT::Architecture", architecture],
      ["APT::Architectures::", architecture],
      ["APT::Sandbox::User", "root"],
      ["APT::Update::Post-Invoke-Success::", "true"],
      ["Dir::State", this.#folder],
      ["Dir::State::status", join(this.#folder, "status")],
      ["Dir::Cache", this.#folder],
      // A container's image may have turned these off; each call of apt is twice as fast with them.
      ["Dir::Cache::pkgcache", "pkgcache.bin"],
      ["Dir::Cache::srcpkgcache", "srcpkgcache.bin"],
      ...(source === undefined ? [] : this.#writeSource(source)),
    ].flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  }

  /** The packages of another release, e.g. `bookworm-backports`, from where this machine gets Debian. */
  ofRelease(release: string): DebianArchive {
    this.#update();
    const query = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"];
    const [uri] = capture("apt-get", [...this.#options, ...query]).split("\n");
    if (!uri) throw new BedError(`apt's sources name no Debian archive to get ${release} from`);
    return new DebianArchive(this.#architecture, { release, uri });
  }

  /** The package's direct dependencies, e.g. the kernel that a meta-package stands for. */
  dependencies(name: string): string[] {
    this.#update();
    const listing = capture("apt-cache", [...this.#options, "depends", "--important", name]);
    return [...listing.matchAll(/^\s+(?:Pre)?Depends: ([^\s<]+)$/gm)].map((match) => match[1] ?? "");
  }

  /**
   * Some members of a package's file tree, in a folder of the cache.
   * @param members patterns as tar's `--wildcards` takes them, e.g. `./boot/vmlinuz-*`.
   */
  unpack(name: string, members: readonly string[]): string {
    const file = this.#describe(name);
    const key = createHash("sha256")
      .update(JSON.stringify([file.sha256, members]))
      .digest("hex")
      .slice(0, 16);
    return cachedFolder(join(this.#folder, "unpacked", `${name}-${key}`), (folder) => {
      const tree = join(folder, "data.tar");
      capture("bash", ["-c", 'dpkg-deb --fsys-tarfile "$0" >"$1"', this.#download(name, file), tree]);
      capture("tar", ["-xf", tree, "-C", folder, "--wildcards", ...members]);
      rmSync(tree);
    });
  }

  #writeSource({ release, uri }: DebianSource): readonly (readonly [string, string])[] {
    const list = join(this.#folder, "sources.list");
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(list, `deb [signed-by=${DEBIAN_KEYRING}] ${uri} ${release} main\n`);
    return [
      ["Dir::Etc::sourcelist", list],
      ["Dir::Etc::sourceparts", "/dev/null"],
    ];
  }

  #update(): void {
    if (existsSync(this.#updated)) return;
    for (const folder of ["lists", "archives"]) mkdirSync(join(this.#folder, folder, "partial"), { recursive: true });
    writeFileSync(join(this.#folder, "status"), "");
    capture("apt-get", [...this.#options, "update"]);
    writeFileSync(this.#updated, "");
  }

  #describe(name: string): DebianFile {
    this.#update();
    const line = capture("apt-get", [...this.#options, "download", "--print-uris", name]);
    const match = /^'[^']+' (\S+) \d+ SHA256:([0-9a-f]{64})$/m.exec(line);
    if (match === null) throw new BedError(`apt-get names no SHA-256 for ${name}: ${line.trim()}`);
    const [, filename = "", sha256 = ""] = match;
    return { filename, sha256 };
  }

  #download(name: string, file: DebianFile): string {
    const path = join(this.#folder, "archives", file.filename);
    if (digestOf(path, "sha256", "hex") === file.sha256) return path;
    const folder = mkdtempSync(join(this.#folder, "archives/.download-"));
    try {
      capture("apt-get", [...this.#options, "download", name], folder);
      const fetched = join(folder, file.filename);
      if (digestOf(fetched, "sha256", "hex") !== file.sha256) {
        throw new BedError(`${file.filename}: the file's SHA-256 is not the one of Debian's index`);
      }
      renameSync(fetched, path);
    } catch (error) {
      // Debian removes a version from its pool some time after a newer one came: the next run asks for the lists again.
      rmSync(this.#updated, { force: true });
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return path;
  }
}
