import type { HostManifest } from "../host/probe/manifest.ts";
import { UsageError } from "../monitor/error.ts";
import { probeSettings } from "./host-settings.ts";
import { lookAtSecurity } from "./look-at-security.ts";
import type { NotRun, TargetRecord, WorkloadRecord } from "./manifest.ts";
import { keyOf, measure } from "./measure.ts";
import { Meter } from "./meter.ts";
import type { Observer } from "./observer.ts";
import type { Plan } from "./plan.ts";
import { ResultFolder, type StoredManifest, type StoredResult } from "./result-folder.ts";
import { baselinesOf, type Tried, tryRows } from "./rows.ts";
import { candidates, type FoundTarget, makeReady, notRunRow, type Survey, survey } from "./survey.ts";
import type { Row } from "./take-sample.ts";
import type { Target } from "./target/target.ts";
import type { Workbench } from "./workbench.ts";
import type { Workload } from "./workload/workload.ts";

export interface RunOptions {
  readonly plan: Plan;
  /** As in a report, and `plan`'s names. */
  readonly targets: readonly Target[];
  readonly workloads: readonly Workload[];
  readonly host: HostManifest;
  readonly bench: Workbench;
  /** The words of the command, `skiff` first, for the manifest. */
  readonly commandLine: readonly string[];
  /** Where the result is kept; made where it is missing. */
  readonly output: string;
  readonly observer: Observer;
  /** Ends the run: the sample in hand is thrown away, the result is written. */
  readonly signal: AbortSignal;
  /** What an earlier run left in `output`, to be gone on with. */
  readonly earlier?: StoredResult;
  readonly meter?: Meter;
  /** A clock in milliseconds that never goes back; the process's own unless given. */
  readonly now?: () => number;
}

/** The options with what they leave out. */
type Complete = RunOptions & Required<Pick<RunOptions, "meter" | "now">>;

/**
 * Measures, and keeps every sample on the disk as it comes. Can be killed at any moment and gone on with.
 * @throws the signal's reason where it came before the first block, UsageError where nothing can be measured: then
 * nothing is left in `output`.
 */
export async function runLab(asked: RunOptions): Promise<StoredResult> {
  const options: Complete = { meter: new Meter(), now: () => performance.now(), ...asked };
  const folder = new ResultFolder(options.output);
  const startedMs = options.now();
  let begun: Begun | undefined;
  try {
    const seen = await survey(options.targets, options.workloads, options.bench);
    begun = await (options.earlier === undefined
      ? begin(options, seen, startedMs)
      : goOn(options, options.earlier, seen));
    if (begun.manifest.workloads.length === 0) {
      throw new UsageError("nothing of that can be measured here in that time; skiff bench --list tells why");
    }
    folder.writeManifest(begun.manifest);
    const { samples, why } = await measure({
      ...options,
      workloads: begun.manifest.workloads,
      rows: begun.rows,
      samples: options.earlier?.samples ?? [],
      tookMs: begun.tookMs,
      startedMs,
      folder,
    });
    const manifest = { ...begun.manifest, ended: { at: new Date().toISOString(), why } };
    folder.writeManifest(manifest);
    options.observer.ended(why);
    return { manifest, samples };
  } finally {
    for (const row of begun?.rows ?? []) await row.launcher.close();
    folder.close();
  }
}

/** A run that is ready for its first block, or its next one. */
interface Begun {
  readonly manifest: StoredManifest;
  readonly rows: readonly Row[];
  /** By `keyOf`. */
  readonly tookMs: ReadonlyMap<string, number>;
}

async function begin(options: Complete, seen: Survey, startedMs: number): Promise<Begun> {
  const { plan, bench, observer, host, commandLine } = options;
  const startedAt = new Date().toISOString();
  const asked = candidates(seen, plan, bench);
  for (const entry of [...seen.notRun, ...asked.refused]) observer.notRun(entry);
  const { tried, notRun } = await tryRows(asked.candidates, { ...options, startedMs });
  for (const entry of notRun) observer.notRun(entry);
  const rows = tried.map(({ row }) => row);
  const { seed, quick, blocks, sampleMs } = plan;
  const manifest: StoredManifest = {
    format: "skiff-bench-1",
    skiff: bench.version,
    startedAt,
    ended: null,
    commandLine,
    ...{ seed, quick, blocks, sampleMs },
    host,
    settings: probeSettings(bench.cores.servers[0] ?? 0),
    cores: bench.cores,
    workloads: workloadRecords(seen.workloads, tried),
    targets: await targetRecords(seen.found, rows, bench),
    notRun: [...seen.notRun, ...asked.refused, ...notRun],
    plan,
  };
  const tookMs = tried.map(({ row, tookMs }) => [keyOf({ ...row, workload: row.workload.name }), tookMs] as const);
  return { manifest, rows, tookMs: new Map(tookMs) };
}

/** Only workloads that some target runs; a workload that none does is told by its targets' refusals. */
function workloadRecords(workloads: readonly Workload[], tried: readonly Tried[]): WorkloadRecord[] {
  const baselines = baselinesOf(tried);
  return workloads.flatMap(({ name, title, description, metrics, network }) => {
    const baseline = baselines.get(name);
    return baseline === undefined ? [] : [{ name, title, description, metrics, network, baseline }];
  });
}

async function targetRecords(
  found: readonly FoundTarget[],
  rows: readonly Row[],
  bench: Workbench,
): Promise<TargetRecord[]> {
  const records: TargetRecord[] = [];
  for (const one of found) {
    const { name, title } = one.target;
    const { version, found: how, warning = null } = one.available;
    const own = rows.filter((row) => row.target === name);
    if (own.length === 0) continue;
    const commandLines = Object.fromEntries(own.map((row) => [row.workload.name, row.launcher.commandLine]));
    const security = await lookAtSecurity(one, bench);
    records.push({ name, title, version, found: how, warning, security, commandLines });
  }
  return records;
}

/** Makes the rows of an earlier run ready again; those that are no longer there end with a reason. */
async function goOn(options: Complete, earlier: StoredResult, seen: Survey): Promise<Begun> {
  const { plan, bench, observer } = options;
  const wanted = new Map(earlier.manifest.targets.map(({ name, commandLines }) => [name, Object.keys(commandLines)]));
  const again = candidates(seen, plan, bench).candidates.filter(({ workload, found }) =>
    wanted.get(found.target.name)?.includes(workload.name),
  );
  const rows: Row[] = [];
  const notRun: NotRun[] = [];
  for (const candidate of again) {
    const row = await makeReady(candidate, bench);
    if (typeof row === "string") notRun.push(notRunRow(candidate.workload, candidate.found, row));
    else rows.push(row);
  }
  for (const entry of notRun) observer.notRun(entry);
  requireBaselines(earlier.manifest.workloads, rows);
  const manifest = { ...earlier.manifest, plan, ended: null, notRun: [...earlier.manifest.notRun, ...notRun] };
  return { manifest, rows, tookMs: new Map() };
}

function requireBaselines(workloads: readonly WorkloadRecord[], rows: readonly Row[]): void {
  for (const { name, baseline } of workloads) {
    if (rows.some((row) => row.workload.name === name && row.target === baseline)) continue;
    throw new UsageError(`${name} on ${baseline} can no longer be measured here; begin anew with another --output`);
  }
}
