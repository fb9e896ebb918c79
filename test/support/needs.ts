import { spawnSync } from "node:child_process";
import { describe } from "vitest";

/** What a group of tests cannot do without. */
export interface Need {
  readonly lack: () => string | undefined;
}

/** Taps, network namespaces and other users are root's to make. */
export const root: Need = {
  lack: () => (process.getuid?.() === 0 ? undefined : "root: run the tests as root (sudo npm test)"),
};

/** A program of a Debian package. */
export function program(name: string, debianPackage: string): Need {
  const lack = () => {
    const found = spawnSync("sh", ["-c", 'command -v "$0"', name]).status === 0;
    return found ? undefined : `the program ${name}: apt-get install ${debianPackage}`;
  };
  return { lack };
}

/**
 * A group of tests that is skipped, and says why, where the host lacks something. With CI=true nothing is skipped: there
 * the tests run and fail.
 */
export function describeWith(needs: readonly Need[], name: string, tests: () => void): void {
  const lacks = needs.flatMap(({ lack }) => lack() ?? []);
  if (lacks.length === 0 || process.env["CI"] === "true") describe(name, tests);
  else describe.skip(`${name} (skipped, it needs ${lacks.join(" and ")})`, tests);
}
