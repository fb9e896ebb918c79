import { statSync } from "node:fs";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import type { EngineName } from "../../monitor/engine-choice.ts";
import { guestWords } from "../guest-words.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { lack } from "../lack.ts";
import type { Link, NetworkPath } from "../network.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { EMULATED_KVM, lackOfKvm } from "./kvm-lack.ts";
import { processSecurity } from "./process-security.ts";
import { refuseSolo5, type Solo5Image, solo5Image } from "./solo5-image.ts";
import type { Available, Launcher, Security, StartOptions, Target, Unavailable } from "./target.ts";

const LIMIT_MS = 2_000;

interface Tender {
  readonly program: string;
  /** The engine of Skiff's that runs the same images. */
  readonly engine: EngineName;
  readonly kernel: Security["kernel"];
}

const SPT: Tender = { program: "solo5-spt", engine: "process", kernel: "host" };
const HVT: Tender = { program: "solo5-hvt", engine: "kvm", kernel: "own" };

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
    const { kvm } = bench.host;
    const lacking = lackOfKvm(kvm);
    if (lacking !== undefined) return { available: false, ...lacking };
    const found = await probe(HVT, bench);
    return found.available && kvm.state === "emulated" ? { ...found, warning: EMULATED_KVM } : found;
  },
};

async function probe(tender: Tender, { network }: Workbench): Promise<Available | Unavailable> {
  const { program, engine, kernel } = tender;
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
    refuse: (workload) => refuseSolo5(workload, engine),
    prepare: async (workload, path, bench) => prepare(found, solo5Image(workload, engine), workload, path, bench),
    security: async (instance) => ({ ...processSecurity(instance), kernel }),
  };
}

function firstLine(output: string): string {
  return output.trim().split("\n")[0] ?? "";
}

function prepare(
  found: string,
  image: Solo5Image,
  program: Program,
  path: NetworkPath | undefined,
  bench: Workbench,
): Launcher {
  return {
    commandLine: [found, ...words(image, program, path && "places")],
    imageBytes: statSync(image.path).size,
    start: async (options) => start(found, words(image, program, options.link), options, bench),
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

function words({ path, netDevice }: Solo5Image, program: Program, link: Link | "places" | undefined): string[] {
  const tap = link !== undefined && link !== "places" && link.path === "tap" ? link.interface : "<tap>";
  const devices = netDevice === undefined ? [] : [`--net:${netDevice}=${tap}`];
  return [...devices, `--mem=${program.memoryMib}`, "--", path, ...guestWords(program, link)];
}
