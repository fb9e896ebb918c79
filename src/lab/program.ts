import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Architecture } from "../format/image.ts";
import { hostArchitecture } from "../monitor/engine-choice.ts";
import { UsageError } from "../monitor/error.ts";

/**
 * What a workload asks a target to run, in words that leave the how to the target. A target that has no way to run it
 * says so by its `refuse`.
 */
export type Program = KitProgram | HostProgram | ImageProgram;

interface ProgramBase {
  /** Names it in lines and files; letters, digits, dashes. */
  readonly name: string;
  /** Words of its command line. */
  readonly args: readonly string[];
  /** Memory for a guest that needs a fixed size. Targets without such a size do not limit it. */
  readonly memoryMib: number;
  /** The port it serves; undefined for a program that needs no network. */
  readonly port?: number;
}

/**
 * A program of the kit: the same source as a static Linux executable, as an image of the `spt` and of the `hvt` ABI, and,
 * where it serves a port, as a Linux executable that brings the kit's own network stack to a tap (`kitFile`). The device
 * of a server's image has the name `service`; on a tap the server gets its address by `--ipv4=ADDRESS/BITS`.
 */
export interface KitProgram extends ProgramBase {
  readonly kind: "kit";
}

/** A Linux program of this host, e.g. Debian's redis-server, dynamically linked or not. */
export interface HostProgram extends ProgramBase {
  readonly kind: "host";
  /** Absolute path of the executable. */
  readonly path: string;
  /** Files and folders that it needs beside its shared libraries, by the same absolute paths in a container's root. */
  readonly reads: readonly string[];
  /** A folder in which it may write; each start finds it empty. */
  readonly writes?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * The user's own (`--image`), e.g. of MirageOS or OSv. Its words may hold `<address>` and `<ip>`: the place of its address
 * with and without the number of its network's bits.
 */
export interface ImageProgram extends ProgramBase {
  readonly kind: "image";
  /** Absolute paths of its forms, e.g. one for each ABI; a target takes the first one that it can run. */
  readonly paths: readonly string[];
}

/** The forms of a kit program: `linux` on the host's sockets, `linux-tap` with the kit's network stack. */
export type KitForm = "linux" | "linux-tap" | "spt" | "hvt";

/** Path of a kit program's committed build, for this host unless another architecture is given; undefined where the kit has no such form of it. */
export function kitFile(
  program: KitProgram,
  form: KitForm,
  architecture: Architecture = hostArchitecture(),
): string | undefined {
  const folder = FOLDERS[architecture];
  const path =
    form === "linux" || form === "linux-tap"
      ? join(kitFolder(), "native", folder, form === "linux" ? program.name : `${program.name}-tap`)
      : join(kitFolder(), "images", folder, `${program.name}.${form}`);
  return existsSync(path) ? path : undefined;
}

const FOLDERS: Readonly<Record<Architecture, string>> = { "x86-64": "x86_64", aarch64: "aarch64" };

let foundKitFolder: string | undefined;

/** The folder `guests/`, which lies in the package or checkout that this program was started from. */
export function kitFolder(): string {
  foundKitFolder ??= findKitFolder(process.argv[1] ?? process.cwd());
  return foundKitFolder;
}

function findKitFolder(startedFrom: string): string {
  for (let folder = dirname(realpathSync(startedFrom)); ; folder = dirname(folder)) {
    const candidate = join(folder, "guests");
    if (existsSync(join(candidate, "native"))) return candidate;
    if (folder === dirname(folder)) {
      throw new UsageError(
        `the programs to measure are not beside ${startedFrom}; install skiff-vm anew, or run it from its checkout`,
      );
    }
  }
}
