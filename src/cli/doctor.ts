import { Command } from "commander";
import type { Lack } from "../host/probe/lack.ts";
import { loadProbeLibc, type ProbeLibc } from "../host/probe/libc.ffi.ts";
import { type HostManifest, hostLacks, probeHost } from "../host/probe/manifest.ts";
import { layoutLacks } from "../host/probe/memory.ts";
import { seccompLacks } from "../host/probe/seccomp.ts";
import { UsageError } from "../monitor/error.ts";
import { formatReport } from "./doctor-text.ts";
import { print } from "./print.ts";
import { VERSION } from "./version.ts";

/** Whether an engine can run images on this host. */
export interface EngineReport {
  readonly name: "process";
  /** The ABI whose images it runs. */
  readonly abi: "spt";
  readonly runs: boolean;
  /** What it lacks; empty where it runs. */
  readonly because: readonly string[];
}

/** What `skiff doctor --json` prints. Fields may be added; none of these changes its name or meaning. */
export interface DoctorReport extends HostManifest {
  /** Skiff's version. */
  readonly skiff: string;
  readonly engines: readonly EngineReport[];
  readonly lacks: readonly Lack[];
}

export function command(): Command {
  return new Command("doctor")
    .description("Show what this host offers to Skiff, what it lacks, and the commands that mend it.")
    .option("--json", "print one JSON object, for programs")
    .addHelpText("after", HELP)
    .action(async ({ json }: { json?: boolean }) => {
      const report = examine(await probeHost(await loadLibc()));
      print(json ? `${JSON.stringify(report, undefined, 2)}\n` : formatReport(report, { colour: wantsColour() }));
      if (!report.engines.some((engine) => engine.name === "process" && engine.runs)) process.exitCode = 1;
    });
}

const HELP = `
It makes nothing that stays: guests, namespaces and files that it tries end with it.

Exit status: 0 where the process engine can run images here, 1 where it cannot.`;

async function loadLibc(): Promise<ProbeLibc> {
  try {
    return await loadProbeLibc();
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new UsageError(`koffi does not load (${reason}); mend: npm install --include=optional koffi`, {
      cause: error,
    });
  }
}

/** Draws the conclusions from what was found. */
export function examine(host: HostManifest): DoctorReport {
  return { skiff: VERSION, engines: [processEngine(host)], ...host, lacks: hostLacks(host) };
}

function processEngine(host: HostManifest): EngineReport {
  const { architecture } = host.machine;
  const because = [...seccompLacks(host.seccomp), ...layoutLacks(host.memory)].map(
    ({ subject, reason }) => `${subject}: ${reason}`,
  );
  if (architecture !== "x86-64" && architecture !== "aarch64") because.unshift(`there is none for ${architecture}`);
  return { name: "process", abi: "spt", runs: because.length === 0, because };
}

/** Colour on a terminal that has it, unless the user asks for none (no-color.org). */
function wantsColour(): boolean {
  const { NO_COLOR = "", TERM } = process.env;
  return process.stdout.isTTY && NO_COLOR === "" && TERM !== "dumb";
}
