import type { RunManifest } from "../manifest.ts";

const UNTOLD = "not told by the kernel";

/** What a reader must know of the machine and the run to read the numbers. */
export function machineRows(manifest: RunManifest): [name: string, value: string][] {
  const { host, settings, cores, skiff, startedAt, seed, blocks, sampleMs, commandLine } = manifest;
  const { machine, kvm, cgroup } = host;
  const threads = settings.simultaneousThreads;
  return [
    ["processor", `${machine.processorCount} × ${machine.processor}, ${machine.architecture}`],
    ...(machine.board === null ? [] : [["board", machine.board] satisfies [string, string]]),
    ["memory", `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
    ["kernel", `Linux ${machine.kernel}, pages of ${machine.pageBytes / 1024} KiB`],
    ["servers run on", processors(cores.servers)],
    ["clients run on", processors(cores.clients)],
    ["threads of a core", threads === null ? UNTOLD : threads ? "several at the same time" : "one"],
    ["frequency governor", settings.governor ?? UNTOLD],
    ["clock source", settings.clockSource ?? UNTOLD],
    ["KVM", kvm.state],
    ["vhost-net", settings.vhostNet ? "there" : "not there"],
    ["control groups", cgroup.version === null ? "none" : `version ${cgroup.version}`],
    ["mitigations", mitigations(settings.mitigations)],
    ["other programs", programs(manifest)],
    ["Skiff", skiff],
    ["begun", startedAt],
    ["command", commandLine.join(" ")],
    ["seed", String(seed)],
    ["a sample's timed part", `about ${sampleMs} ms natively`],
    ["blocks planned", `up to ${blocks} for each workload`],
  ];
}

function processors(numbers: readonly number[]): string {
  return `${numbers.length === 1 ? "processor" : "processors"} ${numbers.join(", ")}`;
}

function mitigations(all: Readonly<Record<string, string>>): string {
  const relevant = Object.entries(all).filter(([, state]) => state !== "Not affected");
  if (relevant.length > 0) return relevant.map(([name, state]) => `${name}: ${state}`).join("; ");
  return Object.keys(all).length === 0 ? UNTOLD : "none needed";
}

function programs({ host: { tools } }: RunManifest): string {
  const found = tools.flatMap(({ name, path, version }) => (path === null ? [] : [`${name} ${version ?? ""}`.trim()]));
  return found.length === 0 ? "none" : found.join(", ");
}
