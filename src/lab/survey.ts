import { SampleError } from "./lack.ts";
import type { NotRun, WorkloadRecord } from "./manifest.ts";
import type { NetworkPath } from "./network.ts";
import type { Program } from "./program.ts";
import type { Row } from "./take-sample.ts";
import type { Available, Target } from "./target/target.ts";
import { NO_NETWORK } from "./target/target.ts";
import type { Workbench } from "./workbench.ts";
import type { Scale, Workload } from "./workload/workload.ts";

/** A target that was found. */
export interface FoundTarget {
  readonly target: Target;
  readonly available: Available;
}

/** What there is to measure here, and what of what was asked for there is not. */
export interface Survey {
  readonly found: readonly FoundTarget[];
  readonly workloads: readonly Workload[];
  readonly notRun: readonly NotRun[];
}

const PROBE_LIMIT_MS = 10_000;

/** Asks targets, one after the other, and workloads whether they can be measured here. */
export async function survey(
  targets: readonly Target[],
  workloads: readonly Workload[],
  bench: Workbench,
): Promise<Survey> {
  const found: FoundTarget[] = [];
  const notRun: NotRun[] = [];
  for (const target of targets) {
    const probed = await probeWithin(target, bench);
    if (probed.available) found.push({ target, available: probed });
    else {
      const { reason, mend } = probed;
      notRun.push({ target: target.name, targetTitle: target.title, workload: null, reason, mend });
    }
  }
  const possible: Workload[] = [];
  for (const workload of workloads) {
    const lack = workload.network && bench.network === undefined ? NO_NETWORK : await workload.lack?.(bench);
    if (lack === undefined) possible.push(workload);
    else notRun.push({ target: null, targetTitle: null, workload: workload.name, ...lack });
  }
  return { found, workloads: possible, notRun };
}

async function probeWithin(target: Target, bench: Workbench): ReturnType<Target["probe"]> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Awaited<ReturnType<Target["probe"]>>>((resolve) => {
    const reason = `did not answer within ${PROBE_LIMIT_MS / 1000} s`;
    timer = setTimeout(() => resolve({ available: false, reason, mend: undefined }), PROBE_LIMIT_MS);
  });
  try {
    return await Promise.race([target.probe(bench), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** One target on one workload, before it is made ready. */
export interface Candidate {
  readonly workload: Workload;
  readonly found: FoundTarget;
  readonly program: Program;
  readonly path: NetworkPath | undefined;
}

/** Every target on every workload, and which of them refuse. */
export function candidates(
  { found, workloads }: Pick<Survey, "found" | "workloads">,
  scale: Scale,
  bench: Workbench,
): { readonly candidates: readonly Candidate[]; readonly refused: readonly NotRun[] } {
  const accepted: Candidate[] = [];
  const refused: NotRun[] = [];
  for (const workload of workloads) {
    const program = workload.program(scale, bench);
    for (const one of found) {
      if (!workload.network && one.available.networkOnly === true) continue;
      const path = workload.network ? one.available.paths[0] : undefined;
      const lack =
        workload.network && path === undefined
          ? {
              reason: "its servers cannot be reached here",
              mend: bench.network === undefined ? NO_NETWORK.mend : undefined,
            }
          : one.available.refuse(program, path);
      if (lack === undefined) accepted.push({ workload, found: one, program, path });
      else refused.push(notRunRow(workload, one, lack.reason, lack.mend));
    }
  }
  return { candidates: accepted, refused };
}

export function notRunRow(workload: Workload, { target }: FoundTarget, reason: string, mend?: string): NotRun {
  return { target: target.name, targetTitle: target.title, workload: workload.name, reason, mend };
}

/** Makes a candidate ready; a refusal in words instead, where it cannot be. */
export async function makeReady(candidate: Candidate, bench: Workbench): Promise<Row | string> {
  const { workload, found, program, path } = candidate;
  try {
    const launcher = await found.available.prepare(program, path, bench);
    return { workload, target: found.target.name, program, path, launcher };
  } catch (error) {
    if (error instanceof SampleError) return error.message;
    throw error;
  }
}

/** The names of baselines, by preference: over the network the path of containers, otherwise native itself. */
const BASELINES = { network: ["native-veth", "native"], alone: ["native"] } as const;

/** Whether a workload may have to be held against that target. */
export function mayBeBaseline(workload: Pick<WorkloadRecord, "network">, target: string): boolean {
  return BASELINES[workload.network ? "network" : "alone"].some((name) => name === target);
}

/** The target that a workload's others are held against; undefined where no baseline can run. */
export function baselineOf(workload: Pick<WorkloadRecord, "network">, targets: readonly string[]): string | undefined {
  return BASELINES[workload.network ? "network" : "alone"].find((name) => targets.includes(name));
}
