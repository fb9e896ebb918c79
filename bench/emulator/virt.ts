/** Builds the kernels for QEMU's `virt` board, of the very objects that the committed image has. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/report.ts";
import { KERNELS_IMAGE } from "./guest.ts";

const PREFIX = "aarch64-linux-gnu-";
const GUESTS = join(ROOT, "guests");
const SOURCES = join(ROOT, "bench/emulator/virt");
/** It starts without an MMU, where memory is reached by aligned accesses alone (Arm ARM, D8.2.10). */
const CFLAGS = [
  ...["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-pic", "-fno-stack-protector"],
  ...["-mgeneral-regs-only", "-mstrict-align", `-I${GUESTS}`, `-I${join(GUESTS, "include")}`],
];
const LDFLAGS = ["-static", "-nostdlib", "--gc-sections", "--build-id=none", "-z", "noexecstack"];

/** @returns the program's path. @throws where the committed image is not what the sources build. */
export function buildVirtProgram(folder: string): string {
  const built = join(folder, "aarch64");
  const image = join(built, "images/kernels.hvt");
  execFileSync("make", ["-s", "-j2", "-C", GUESTS, `OUT=${folder}`, image], { stdio: ["ignore", "ignore", "inherit"] });
  if (!readFileSync(image).equals(readFileSync(KERNELS_IMAGE))) {
    throw new Error("guests/images/aarch64/kernels.hvt is not what its sources build here: make -C guests images");
  }
  const objects = (path: string) =>
    readdirSync(join(built, path))
      .filter((name) => name.endsWith(".o"))
      .map((name) => join(built, path, name));
  const [binding, program] = [join(folder, "virt.o"), join(folder, "virt")];
  execFileSync(`${PREFIX}gcc`, [...CFLAGS, "-c", "-o", binding, join(SOURCES, "virt.c")]);
  execFileSync(`${PREFIX}ld`, [
    ...[...LDFLAGS, "-T", join(SOURCES, "virt.lds"), "-o", program, ...objects("kernels"), binding],
    ...["--start-group", ...objects("bindings"), join(built, "libkit.a"), "--end-group"],
  ]);
  return program;
}
