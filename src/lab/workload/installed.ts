import { findProgram } from "../../host/probe/program.ts";
import { type Lack, lack, SampleError } from "../lack.ts";

/** Why a workload cannot do without a program of this host; undefined where that is there. */
export function lackOfProgram(name: string, debianPackage: string): Lack | undefined {
  return findProgram(name) === undefined
    ? lack(`${name} is not installed`, `apt-get install ${debianPackage}`)
    : undefined;
}

/**
 * Its absolute path.
 * @throws SampleError where it went since it was looked for.
 */
export function pathOf(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new SampleError(`${name} is not installed`);
  return path;
}
