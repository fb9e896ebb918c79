import { Command } from "commander";
import { loadProbeLibc, type ProbeLibc } from "../host/probe/libc.ffi.ts";
import { probeHost } from "../host/probe/manifest.ts";
import { UsageError } from "../monitor/error.ts";
import { examine } from "./doctor-report.ts";
import { formatReport } from "./doctor-text.ts";
import { print, wantsColour } from "./print.ts";

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

Examples:
  skiff doctor
  skiff doctor --json | jq .kvm

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
