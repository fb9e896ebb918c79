import type { RunManifest } from "../manifest.ts";
import { type Sample, SIGNALS, type Signal } from "../sample.ts";
import { LOUDEST_NOISE } from "../statistics/verdict.ts";
import { noiseText, significant } from "../statistics/wording.ts";
import type { MetricTable } from "./analysis.ts";
import { count } from "./number.ts";

const SIGNAL_WORDS: Readonly<Record<Signal, string>> = {
  steal: "the hypervisor gave processor time to others",
  throttled: "the processor was slowed down by heat or a quota",
  frequency: "the processor's frequency had dropped",
  client: "the client had no processor time left (above 85 %), so that it was measured in place of the target",
};

/** What a reader must know before trusting the numbers. */
export function findWarnings(
  manifest: RunManifest,
  tables: readonly MetricTable[],
  samples: readonly Sample[],
): string[] {
  const lines = [
    ...endWarnings(manifest),
    ...kvmWarning(manifest),
    ...manifest.targets.flatMap(({ title, warning }) => (warning === null ? [] : [`${title}: ${warning}`])),
    ...signalWarnings(manifest, samples),
    ...pathWarnings(tables),
    ...noiseWarnings(tables),
    ...tables.flatMap(failureWarnings),
  ];
  return [...new Set(lines)];
}

function endWarnings({ ended, blocks }: RunManifest): string[] {
  if (ended === null) return ["The run has not come to its end: this report shows what was there."];
  if (ended.why === "interrupted") return ["The run was interrupted: this report shows what was there until then."];
  if (ended.why === "settled") return [];
  return [`The time was spent before each workload had its verdicts or its ${count(blocks, "block")}.`];
}

function kvmWarning({ host: { kvm } }: RunManifest): string[] {
  if (kvm.state !== "emulated") return [];
  const each = kvm.instructionNs === null ? "" : ` (${significant(kvm.instructionNs)} ns an instruction)`;
  return [
    `KVM is emulated here${each}: numbers of targets on KVM tell about this machine's software, not about a processor's virtualization.`,
  ];
}

function signalWarnings({ workloads }: RunManifest, samples: readonly Sample[]): string[] {
  return workloads.flatMap(({ name, title }) =>
    SIGNALS.flatMap((signal) => {
      const seen = samples.filter(({ workload, signals }) => workload === name && signals.includes(signal));
      if (seen.length === 0) return [];
      const where = [...new Set(seen.map(({ target }) => target))].join(", ");
      return [`${title}: ${count(seen.length, "sample")} set aside (${where}): ${SIGNAL_WORDS[signal]}.`];
    }),
  );
}

/** One line for all workloads whose targets are reached in the same way. */
function pathWarnings(tables: readonly MetricTable[]): string[] {
  const workloads = new Map<string, Set<string>>();
  for (const { workload, findings } of tables) {
    const usual = findings.find(({ role }) => role === "baseline")?.paths ?? [];
    const others = findings.filter(({ paths }) => paths.some((path) => !usual.includes(path)));
    if (usual.length === 0 || others.length === 0) continue;
    const list = others.map(({ target, paths }) => `${target.title} (${paths.join(", ")})`).join("; ");
    const line = `the baseline is reached by ${usual.join(", ")}, others by another path: ${list}.`;
    workloads.set(line, (workloads.get(line) ?? new Set()).add(workload.title));
  }
  return [...workloads].map(([line, titles]) => `${[...titles].join("; ")}: ${line}`);
}

function noiseWarnings(tables: readonly MetricTable[]): string[] {
  const judged = tables.filter(
    ({ metric, findings }) => metric.compared && findings.some(({ verdict }) => verdict !== null),
  );
  const unknown = new Set(judged.flatMap(({ workload, noise }) => (noise === undefined ? [workload.title] : [])));
  const loud = judged.flatMap(({ workload, metric, noise }) =>
    noise === undefined || noise <= LOUDEST_NOISE ? [] : [`${workload.title}, ${metric.title} (${noiseText(noise)})`],
  );
  return [
    ...(unknown.size === 0
      ? []
      : [`Native was measured too few times for the noise to be known: ${[...unknown].join("; ")}.`]),
    ...(loud.length === 0 ? [] : [`Native differs from native, and no less can be told: ${loud.join("; ")}.`]),
  ];
}

function failureWarnings({ workload, findings }: MetricTable): string[] {
  return findings.flatMap(({ target, series, remarks }) => {
    if (series.failed === 0 || remarks[0] === undefined) return [];
    const often = `${series.failed} of ${count(series.blocks, "block")}`;
    return [`${workload.title}: ${target.title} gave no number in ${often}: ${remarks[0]}`];
  });
}
