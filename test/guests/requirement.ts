import { describe, it } from "vitest";
import { findProgram } from "../../src/host/probe/program.ts";

/** A program that tests need, and the Debian package that brings it. */
export type Requirement = readonly [program: string, debianPackage: string];

/**
 * A group of tests that need programs of the host. Where one is missing the group is skipped and names the package;
 * in CI that is a failure.
 */
export function describeWith(requirements: readonly Requirement[], name: string, tests: () => void): void {
  const packages = requirements.filter(([program]) => findProgram(program) === undefined).map(([, owner]) => owner);
  if (packages.length === 0) {
    describe(name, tests);
    return;
  }
  const reason = `needs ${[...new Set(packages)].join(", ")}`;
  const { CI } = process.env;
  if (CI === "true") {
    it(name, () => {
      throw new Error(reason);
    });
  } else {
    describe.skip(`${name} (${reason})`, tests);
  }
}
