import { statSync } from "node:fs";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import { chooseEngine } from "../../monitor/engine-choice.ts";
import { UsageError } from "../../monitor/error.ts";
import { readImageFile } from "../../monitor/image-file.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { lack, SampleError } from "../lack.ts";
import type { Link, NetworkPath } from "../network.ts";
import { kitFile, type Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { processSecurity } from "./process-security.ts";
import type { Available, Launcher, Security, StartOptions, Target, Unavailable } from "./target.ts";

const LIMIT_MS = 2_000;
/** The net device that a server's image declares. */
const DEVICE = "service";

interface Tender {
  readonly abi: "spt" | "hvt";
  readonly program: string;
  /** The engine of Skiff's that runs the same images. */
  readonly engine: "process" | "kvm";
  readonly kernel: Security["kernel"];
}

const SPT: Tender = { abi: "spt", program: "solo5-spt", engine: "process", kernel: "host" };
const HVT: Tender = { abi: "hvt", program: "solo5-hvt", engine: "kvm", kernel: "own" };

/** Upstream's tender for the images that Skiff's process engine runs. */
export const SOLO5_SPT: Target = {
  name: "solo5-spt",
  title: "Solo5's own tender, spt",
  probe: async (bench) => probe(SPT, bench),
};

/** Upstream's tender for the images that Skiff's KVM engine runs. */
export const SOLO5_HVT: Target = {
  name: "solo5-hvt",
  title: "Solo5's own tender, hvt",
  probe: async (bench) => {
    const { state } = bench.host.kvm;
    if (state === "real") return probe(HVT, bench);
    if (state !== "emulated") return { available: false, ...lack("there is no KVM that works", "skiff doctor") };
    const found = await probe(HVT, bench);
    return found.available
      ? { ...found, warning: "KVM is emulated here: its numbers say nothing about hardware" }
      : found;
  },
};

async function probe(tender: Tender, { network }: Workbench): Promise<Available | Unavailable> {
  const { program, abi, kernel } = tender;
  const found = findProgram(program);
  if (found === undefined) {
    const mend = `build Solo5 from its sources (github.com/Solo5/solo5) and put ${program} on PATH`;
    return { available: false, ...lack(`${program} is not on PATH`, mend) };
  }
  const { output } = await runProgram(found, ["--version"], LIMIT_MS);
  const version = /v\d\S*/.exec(output)?.[0];
  if (version === undefined) return { available: false, ...lack(`${found} --version says: ${firstLine(output)}`) };
  return {
    available: true,
    version: `${program} ${version}`,
    found,
    paths: network === undefined ? [] : ["tap"],
    refuse: (workload) =>
      imagePath(tender, workload) === undefined
        ? lack(`there is no image of the ${abi} ABI of ${workload.name}`)
        : undefined,
    prepare: async (workload, path, bench) => prepare(found, imagePath(tender, workload), workload, path, bench),
    security: async (instance) => ({ ...processSecurity(instance), kernel }),
  };
}

function firstLine(output: string): string {
  return output.trim().split("\n")[0] ?? "";
}

function imagePath({ abi, engine }: Tender, program: Program): string | undefined {
  if (program.kind === "kit") return kitFile(program, abi);
  return program.kind === "image" && isForEngine(program.path, engine) ? program.path : undefined;
}

function isForEngine(path: string, engine: Tender["engine"]): boolean {
  try {
    return chooseEngine(readImageFile(path)).engine === engine;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

function prepare(
  found: string,
  file: string | undefined,
  program: Program,
  path: NetworkPath | undefined,
  bench: Workbench,
): Launcher {
  if (file === undefined) throw new SampleError(`there is no image of ${program.name} for ${found}`);
  return {
    commandLine: [found, ...words(file, program, path === undefined ? undefined : "placeholder")],
    imageBytes: statSync(file).size,
    start: async (options) => start(found, words(file, program, options.link), options, bench),
    close: async () => {},
  };
}

function start(found: string, args: readonly string[], { cores, link }: StartOptions, bench: Workbench): Instance {
  const launch = () => launchInstance({ path: found, args, cores }, bench);
  if (link === undefined) return launch();
  // It opens the tap by its name.
  if (link.path === "tap") link.release();
  return link.namespace.inside(launch);
}

function words(file: string, program: Program, link: Link | "placeholder" | undefined): string[] {
  const memory = `--mem=${program.memoryMib}`;
  if (link === undefined) return [memory, "--", file, ...program.args];
  const isKnown = link !== "placeholder" && link.path === "tap";
  const tap = isKnown ? link.interface : "<tap>";
  const address = isKnown ? `${link.serverAddress}/${link.prefixBits}` : "<address>";
  return [`--net:${DEVICE}=${tap}`, memory, "--", file, `--ipv4=${address}`, ...program.args];
}
