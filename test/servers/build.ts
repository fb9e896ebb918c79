import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Need, program } from "../support/needs.ts";

const GUESTS = resolve(import.meta.dirname, "../../guests");
/** The folder of the C sources of tests. */
export const HARNESS = join(import.meta.dirname, "c");
const ARCHITECTURE = process.arch === "arm64" ? "aarch64" : "x86_64";
const BUILD_LIMIT_MS = 110_000;

/** What of the kit does without Solo5; memory and strings are the C library's there. */
export const KIT: readonly string[] = ["arena.c", "format.c", "print.c", "words.c"].map((name) =>
  join(GUESTS, "lib", name),
);

/** A compiler's words for a program under the address and undefined behaviour sanitizers. */
export const SANITIZED: readonly string[] = [
  ...["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-omit-frame-pointer"],
  ...["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
  ...[`-I${GUESTS}`, `-I${join(GUESTS, "include")}`, `-I${HARNESS}`],
];

/** What building a server here takes. */
export const compiler: readonly Need[] = [program("gcc", "gcc"), program("make", "make")];

/** Runs a program of a build, which must succeed. */
export function must(command: string, ...words: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: "utf8", timeout: BUILD_LIMIT_MS });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${words.join(" ")}: status ${status}\n${stdout}${stderr}`);
}

/** Builds a server for Linux sockets, as a native program of this host, in `folder`. Returns its path. */
export function buildServer(name: string, folder: string): string {
  const made = join(folder, ARCHITECTURE, "native", name);
  must("make", "-C", GUESTS, "-j2", `OUT=${folder}`, made);
  return made;
}

/** Builds a server's image for this host in `folder`. Returns its path. */
export function buildImage(name: string, abi: "spt" | "hvt", folder: string): string {
  const made = join(folder, ARCHITECTURE, "images", `${name}.${abi}`);
  must("make", "-C", GUESTS, "-j2", `OUT=${folder}`, made);
  return made;
}

/** The C sources of a server, but for its main.c and those named. */
export function sourcesOf(server: string, ...without: readonly string[]): readonly string[] {
  const folder = join(GUESTS, "servers", server);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".c") && name !== "main.c" && !without.includes(name))
    .map((name) => join(folder, name));
}

/**
 * Builds a program of test/servers/c with the sources of a server and serve.h in memory, under the address and undefined
 * behaviour sanitizers, in `folder`. Returns its path.
 */
export function buildHarness(name: string, sources: readonly string[], folder: string, output = name): string {
  const made = join(folder, output);
  must(
    "gcc",
    ...SANITIZED,
    ...["-o", made],
    ...[`${name}.c`, "fake_serve.c", "fake_solo5.c"].map((file) => join(HARNESS, file)),
    ...[join(GUESTS, "servers/common/disk.c"), ...sources, ...KIT],
  );
  return made;
}
