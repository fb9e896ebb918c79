import { describeExit, type Instance } from "../instance/instance.ts";
import { SampleError } from "../lack.ts";

/**
 * Waits for the end of a program of the kit and gives its output.
 * @throws SampleError where it does not exit with status 0 within the limit.
 */
export async function outputOf(instance: Instance, limitMs: number): Promise<string> {
  const { exit } = await instance.exited(limitMs);
  const output = instance.output();
  if (!("status" in exit) || exit.status !== 0) throw new SampleError(`${describeExit(exit)}: ${output}`);
  return output;
}

/**
 * The number behind `name=` in the program's line that begins with these words.
 * @throws SampleError where there is none.
 */
export function numberIn(output: string, line: string, name: string): number {
  const words = output
    .split("\n")
    .find((candidate) => candidate.startsWith(line))
    ?.split(" ");
  const word = words?.find((candidate) => candidate.startsWith(`${name}=`));
  const value = word === undefined ? Number.NaN : Number(word.slice(name.length + 1));
  if (!Number.isFinite(value)) throw new SampleError(`its output has no ${name} in a line '${line} …': ${output}`);
  return value;
}
