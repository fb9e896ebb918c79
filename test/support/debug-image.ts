import { join, resolve } from "node:path";
import { succeed } from "./command.ts";

const GUESTS = resolve(import.meta.dirname, "../../guests");
const MACHINE_FLAGS = {
  x86_64: "-march=x86-64 -mno-red-zone -fcf-protection=none",
  aarch64: "-march=armv8-a -mbranch-protection=none -mno-outline-atomics",
} as const;
/** As the kit's, without what strips symbols and refuses sections for debuggers. */
const LINKING = "-static -nostdlib --gc-sections --build-id=none -z max-page-size=65536 -z noexecstack";

/** An image of the kit's with symbols and lines. */
export interface DebugImage {
  readonly path: string;
  /** Address of a function. */
  readonly symbol: (name: string) => number;
}

/** Builds one of the kit's programs for debuggers, with the kit's own makefile. */
export function buildDebugImage(folder: string, name: string, architecture: keyof typeof MACHINE_FLAGS): DebugImage {
  const path = join(folder, architecture, "images", `${name}.hvt`);
  const flags = [`CFLAGS_${architecture}=${MACHINE_FLAGS[architecture]} -g`, `LDFLAGS=${LINKING}`];
  succeed("make", "-s", "-C", GUESTS, "-j2", `OUT=${folder}`, ...flags, path);
  const symbols = new Map(
    succeed("nm", path)
      .trim()
      .split("\n")
      .map((line) => {
        const [address = "", , symbol = ""] = line.split(" ");
        return [symbol, Number.parseInt(address, 16)] as const;
      }),
  );
  return {
    path,
    symbol: (wanted) => {
      const address = symbols.get(wanted);
      if (address === undefined) throw new Error(`${path} has no ${wanted}`);
      return address;
    },
  };
}
