import { candidates, survey } from "../lab/survey.ts";
import type { Target } from "../lab/target/target.ts";
import type { Workbench } from "../lab/workbench.ts";
import type { Workload } from "../lab/workload/workload.ts";

const SCALE = { sampleMs: 1000 };

/** What can be measured here: a line for each target and workload, and below it what is lacking. */
export async function listText(
  targets: readonly Target[],
  workloads: readonly Workload[],
  bench: Workbench,
): Promise<string> {
  const seen = await survey(targets, workloads, bench);
  const { refused } = candidates(seen, SCALE, bench);
  const width = Math.max(...[...targets, ...workloads].map(({ name }) => name.length));
  const line = (name: string, text: string) => `  ${name.padEnd(width)}  ${text}`;
  const lacking = (name: string, reason: string, mend: string | undefined) => [
    line(name, `not here: ${reason}`),
    ...(mend === undefined ? [] : [line("", `mend: ${mend}`)]),
  ];
  const targetLines = targets.flatMap(({ name, title }) => {
    const found = seen.found.find(({ target }) => target.name === name)?.available;
    if (found !== undefined) return [line(name, `${title}: ${found.version}, ${found.found}`)];
    const entry = seen.notRun.find(({ target }) => target === name);
    return lacking(name, entry?.reason ?? "", entry?.mend);
  });
  const workloadLines = workloads.flatMap(({ name, title, quick }) => {
    const entry = seen.notRun.find(({ target, workload }) => target === null && workload === name);
    if (entry !== undefined) return lacking(name, entry.reason, entry.mend);
    const without = refused.filter(({ workload }) => workload === name).flatMap(({ target }) => target ?? []);
    const not = without.length === 0 ? "" : `; not on ${without.join(", ")}`;
    return [line(name, `${title}${quick ? " (quick)" : ""}${not}`)];
  });
  return ["Targets", ...targetLines, "", "Workloads", ...workloadLines, ""].join("\n");
}
