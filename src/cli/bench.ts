import { writeSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { loadProbeLibc } from "../host/probe/libc.ffi.ts";
import { type HostManifest, probeHost } from "../host/probe/manifest.ts";
import { makeWorkbench } from "../lab/make-workbench.ts";
import { canGoOn } from "../lab/measure.ts";
import { holdsResult, readResult, type StoredResult } from "../lab/result-folder.ts";
import { runLab } from "../lab/run.ts";
import { TARGETS } from "../lab/target/registry.ts";
import { type ImageRequest, imageWorkload } from "../lab/workload/image.ts";
import { WORKLOADS } from "../lab/workload/registry.ts";
import type { Workload } from "../lab/workload/workload.ts";
import { UsageError } from "../monitor/error.ts";
import { compareCommand } from "./bench-compare.ts";
import { listText } from "./bench-list.ts";
import {
  type BenchArguments,
  collectPath,
  imageRequest,
  newPlan,
  parseBlocks,
  parseBudget,
  parseImageMib,
  parseNames,
  parseOutput,
  parsePort,
  parseSeed,
  resumedPlan,
} from "./bench-options.ts";
import { ProgressDisplay } from "./bench-progress.ts";
import { writeReport } from "./bench-report.ts";
import { takeNetworkRights } from "./bench-rights.ts";
import { print, wantsColour } from "./print.ts";
import { VERSION } from "./version.ts";

export function command(): Command {
  return new Command("bench")
    .description(
      "Measure what each kind of isolation costs on this machine: the same workloads on every target there is.",
    )
    .option("--quick", "a first answer within three minutes: few workloads, short samples, ten blocks")
    .option("--targets <NAMES>", "only these, by commas; native is always measured", parseNames)
    .option("--workloads <NAMES>", "only these, by commas", parseNames)
    .option("--budget <TIME>", "time for the whole run, e.g. 90s, 10m, 2h", parseBudget)
    .option("--blocks <NUMBER>", "blocks of each workload at most; each has every target once", parseBlocks)
    .option("--seed <NUMBER>", "for the random order within the blocks", parseSeed)
    .option("-o, --output <FOLDER>", "where the result goes; one with an unfinished run is gone on with", parseOutput)
    .option("--image <FILE>", "an image of your own, on whatever runs it; once more for each other form", collectPath)
    .option("--image-port <PORT>", "the TCP port that it serves, for the time to its first connection", parsePort)
    .option("--image-words <WORDS>", "its command line; <address> and <ip> stand for its address")
    .option("--image-mem <MIB>", "its memory; 128 unless given", parseImageMib)
    .option("--list", "show targets and workloads, what cannot run here, and why")
    .addHelpText("after", HELP)
    .helpCommand(false)
    .addCommand(compareCommand())
    .action(bench);
}

const HELP = `
A run can be stopped by Ctrl-C or killed at any moment; the same --output goes on with it. All load stays on this
machine, in network namespaces that come and go with the run. Written to the folder: manifest.json and samples.jsonl
(every sample as it comes), report.html, report.md, report.csv, report.json.

Examples:
  skiff bench --quick
  skiff bench --list
  skiff bench compare before after --threshold 5%
  skiff bench --targets runc,process --workloads start,prime --budget 5m --output result
  skiff bench --image my.spt --image my.hvt --image-port 80

Exit status: 0 where the report is written, 1 with one line for a mistake or where nothing could be measured,
130 after Ctrl-C, 143 after SIGTERM: then the report has what was there.`;

/** Of these signals the first ends the run, the second one this process. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

async function bench(args: BenchArguments): Promise<void> {
  await takeNetworkRights();
  const host = await probeHost(await loadProbeLibc());
  if (args.list === true) return list(host, imageRequest(args));
  const output = resolve(args.output ?? `skiff-bench-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}`);
  const earlier = holdsResult(output) ? readResult(output) : undefined;
  const result = await run(args, output, host, earlier);
  if (result === undefined) return;
  const report = writeReport(output, result, { colour: wantsColour() });
  print(`${report}\nThe whole report: ${output}/report.html\n`);
}

/** All of them, with that of the user's own images where there are any. */
function workloadsWith(image: ImageRequest | undefined): readonly Workload[] {
  return image === undefined ? WORKLOADS : [...WORKLOADS, imageWorkload(image)];
}

async function list(host: HostManifest, image: ImageRequest | undefined): Promise<void> {
  const workloads = workloadsWith(image);
  const made = makeWorkbench(host, VERSION);
  try {
    print(await listText(TARGETS, workloads, made.bench));
  } finally {
    await made.close();
  }
}

/** Undefined where a signal came before the first block. */
async function run(
  args: BenchArguments,
  output: string,
  host: HostManifest,
  earlier: StoredResult | undefined,
): Promise<StoredResult | undefined> {
  const workloads = workloadsWith(earlier === undefined ? imageRequest(args) : earlier.manifest.plan.image);
  const choices = { targets: TARGETS.map(({ name }) => name), workloads };
  const plan = earlier === undefined ? newPlan(args, choices) : resumedPlan(args, earlier, output);
  if (earlier !== undefined) {
    requireSameMachine(host, earlier, output);
    if (!canGoOn(earlier.manifest.ended)) return earlier;
  }
  const { stderr } = process;
  const display = new ProgressDisplay({
    write: (text) => writeSync(2, text),
    columns: stderr.isTTY ? stderr.columns : undefined,
  });
  const abort = new AbortController();
  const stop = (signal: keyof typeof SIGNALS) => {
    process.exitCode = SIGNALS[signal];
    abort.abort(new Interrupted(signal));
  };
  for (const signal of Object.keys(SIGNALS)) process.once(signal, stop);
  const made = makeWorkbench(host, VERSION);
  try {
    return await runLab({
      plan,
      targets: TARGETS.filter(({ name }) => plan.targets.includes(name)),
      workloads: workloads.filter(({ name }) => plan.workloads.includes(name)),
      host,
      bench: made.bench,
      commandLine: ["skiff", ...process.argv.slice(2)],
      output,
      observer: display,
      signal: abort.signal,
      ...(earlier === undefined ? {} : { earlier }),
    });
  } catch (error) {
    // Ctrl-C also ends what the lab runs to prepare something, and that may be what failed.
    if (!abort.signal.aborted) throw error;
    if (!holdsResult(output)) {
      display.endedEarly();
      return undefined;
    }
    display.ended("interrupted");
    return readResult(output);
  } finally {
    display.close();
    for (const signal of Object.keys(SIGNALS)) process.off(signal, stop);
    await made.close();
  }
}

class Interrupted extends Error {
  override readonly name = "Interrupted";
}

function requireSameMachine(host: HostManifest, { manifest }: StoredResult, output: string): void {
  for (const fact of ["architecture", "kernel", "processor", "processorCount"] as const) {
    const [here, there] = [host.machine[fact], manifest.host.machine[fact]];
    if (here === there) continue;
    throw new UsageError(`--output ${output}: that run had ${fact} ${there}, here it is ${here}; give a new folder`);
  }
}
