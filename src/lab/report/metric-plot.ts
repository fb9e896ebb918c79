import { significant } from "../statistics/wording.ts";
import type { Finding, MetricTable } from "./analysis.ts";
import { findingTitle } from "./cell.ts";
import { amount } from "./number.ts";
import { drawPlot, type Lane } from "./plot.ts";
import { referencesFor } from "./published.ts";

/** Every sample of a metric, target by target, in its own unit. */
export function metricPlot({ workload, metric, findings }: MetricTable): string {
  return drawPlot({
    title: `${workload.title}, ${metric.title}: every sample of every target`,
    axis: `${metric.unit}${metric.compared ? `, ${metric.better} is better` : ""}`,
    rule: findings.find(({ role }) => role === "baseline")?.median,
    lanes: findings.map((finding) => ({
      label: findingTitle(finding),
      kind: laneKind(finding),
      median: finding.median,
      interval: finding.interval,
      points: finding.points.map(({ block, value, inUse }) => ({
        value,
        label: `block ${block + 1}: ${amount(value, metric.unit)}${inUse ? "" : ", set aside"}`,
        shape: inUse ? ("dot" as const) : ("cross" as const),
      })),
    })),
  });
}

/**
 * Ratios to native beside those that studies published for the like.
 * @returns an empty string where no study has any.
 */
export function publishedPlot({ workload, metric, findings }: MetricTable): string {
  const references = metric.compared ? referencesFor(workload.name, metric.name) : [];
  if (references.length === 0) return "";
  const own = findings
    .filter(({ role, estimate }) => role === "compared" && estimate !== undefined)
    .map(
      (finding): Lane => ({
        label: findingTitle(finding),
        kind: laneKind(finding),
        median: finding.estimate?.ratio,
        interval: finding.estimate?.interval,
        points: [],
      }),
    );
  const published = references.map(
    ({ label, study, ratios }): Lane => ({
      label,
      kind: "published",
      median: undefined,
      interval: undefined,
      points: ratios
        .map((ratio) => (metric.better === "lower" ? ratio : 1 / ratio))
        .map((cost) => ({ value: cost, label: `${study}: ${significant(cost)}`, shape: "diamond" })),
    }),
  );
  return drawPlot({
    title: `${workload.title}, ${metric.title}: ratio to native, beside published numbers`,
    axis: `times native, ${metric.better} is better`,
    rule: 1,
    lanes: [...own, ...published],
  });
}

function laneKind({ role, verdict }: Finding): string {
  return role === "compared" ? (verdict ?? "shown") : "baseline";
}
