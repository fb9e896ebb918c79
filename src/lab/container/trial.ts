import type { Instance } from "../instance/instance.ts";
import { SampleError } from "../lack.ts";
import type { KitProgram } from "../program.ts";
import type { Launcher } from "../target/target.ts";
import type { Workbench } from "../workbench.ts";

const LIMIT_MS = 4_000;

/** What a probe runs where only a trial tells whether the host's cgroups, mounts and rights suit a runtime. */
export const TRIAL: KitProgram = { kind: "kit", name: "hello", args: [], memoryMib: 16 };

/**
 * Runs the trial to its end, and closes the launcher.
 * @returns what to tell where it does not end with status 0; undefined where it does.
 */
export async function tryLauncher(name: string, launcher: Launcher, bench: Workbench): Promise<string | undefined> {
  let instance: Instance | undefined;
  try {
    instance = await launcher.start({ cores: bench.cores.servers });
    const { exit } = await instance.exited(LIMIT_MS);
    if ("status" in exit && exit.status === 0) return undefined;
    return `${name} cannot run a container here: ${firstLine(instance.output())}`;
  } catch (error) {
    if (error instanceof SampleError) return `${name} cannot run a container here: it ${error.message}`;
    throw error;
  } finally {
    await instance?.stop();
    await launcher.close();
  }
}

function firstLine(output: string): string {
  return output.trim().split("\n")[0] ?? "";
}
