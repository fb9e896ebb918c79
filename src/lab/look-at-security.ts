import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Instance } from "./instance/instance.ts";
import { SampleError } from "./lack.ts";
import type { KitProgram } from "./program.ts";
import type { FoundTarget } from "./survey.ts";
import type { Security } from "./target/target.ts";
import type { Workbench } from "./workbench.ts";

/** Runs for hours, so that it can be looked at. */
const BUSY: KitProgram = { kind: "kit", name: "prime", args: ["100000000"], memoryMib: 16 };
/** More than any launcher computes before it becomes the workload. */
const BUSY_TICKS = 50;
const LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 10;

/** What a target leaves to a program, looked at while one runs; null where it runs none of the kit's. */
export async function lookAtSecurity({ available }: FoundTarget, bench: Workbench): Promise<Security | null> {
  if (available.refuse(BUSY, undefined) !== undefined) return null;
  try {
    const launcher = await available.prepare(BUSY, undefined, bench);
    const instance = await launcher.start({ cores: bench.cores.servers.slice(0, 1) });
    try {
      await untilBusy(instance);
      return await available.security(instance);
    } finally {
      await instance.stop();
      await launcher.close();
    }
  } catch (error) {
    if (error instanceof SampleError) return null;
    throw error;
  }
}

/** The workload itself runs once the last process of the instance computes. */
async function untilBusy(instance: Instance): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (ticksOf(instance.pids().at(-1)) < BUSY_TICKS) {
    if (performance.now() > endMs) throw new SampleError(`it does not compute: ${instance.output()}`);
    await setTimeout(LOOK_AGAIN_MS);
  }
}

/** Processor time in clock ticks (proc(5), /proc/pid/stat), the system's included: an emulated KVM spends it there; 0 of none. */
function ticksOf(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [user = 0, system = 0] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13)
      .map(Number);
    return user + system;
  } catch {
    return 0;
  }
}
