import { closeSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { SparseFile } from "../../engine/process/elf.ts";
import { sptPolicy } from "../../engine/process/seccomp/policy.ts";
import type { Architecture } from "../../format/image.ts";
import { plannedDevices } from "../../monitor/build-devices.ts";
import { chooseEngine, hostArchitecture } from "../../monitor/engine-choice.ts";
import { UsageError } from "../../monitor/error.ts";
import { readImageFile } from "../../monitor/image-file.ts";
import { matchDevices } from "../../monitor/match-devices.ts";
import { executableForThisHost } from "../../monitor/process-machine.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { lack, SampleError } from "../lack.ts";
import type { Link, NetworkPath } from "../network.ts";
import { kitFile, type Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { processSecurity } from "./process-security.ts";
import type { Launcher, StartOptions, Target } from "./target.ts";

/** The net device that a server's image declares, and where its executable finds the tap. */
const DEVICE = "service";
const TAP_DESCRIPTOR = 3;

/** Skiff's process engine: an executable as `skiff build` makes it, started without Node. */
export const SKIFF_PROCESS: Target = {
  name: "process",
  title: "Skiff, process engine",
  probe: async ({ network, version }) => ({
    available: true,
    version: `Skiff ${version}`,
    found: "part of this program",
    paths: network === undefined ? [] : ["tap"],
    refuse: (program) =>
      imagePath(program) === undefined ? lack(`there is no image of the spt ABI of ${program.name}`) : undefined,
    prepare: async (program, path, bench) => prepare(program, path, bench),
    security: async (instance) => processSecurity(instance, allowedCalls(hostArchitecture())),
  }),
};

function imagePath(program: Program): string | undefined {
  if (program.kind === "kit") return kitFile(program, "spt");
  return program.kind === "image" && isForProcess(program.path) ? program.path : undefined;
}

function isForProcess(path: string): boolean {
  try {
    return chooseEngine(readImageFile(path)).engine === "process";
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

function prepare(program: Program, path: NetworkPath | undefined, bench: Workbench): Launcher {
  const file = imagePath(program);
  if (file === undefined) throw new SampleError(`there is no image of the spt ABI of ${program.name}`);
  const executable = join(bench.folder("process"), program.name);
  const devices = path === undefined ? [] : ["--net", `${DEVICE}=@${TAP_DESCRIPTOR}`];
  const build = ["skiff", "build", file, "--mem", String(program.memoryMib), ...devices, "-o", program.name];
  writeSparse(executable, makeExecutable(file, program, path));
  const start = async ({ cores, link }: StartOptions) => {
    const descriptors = link?.path === "tap" ? [link.descriptor] : [];
    const args = link === undefined ? program.args : [...addressWords(link), ...program.args];
    const launch = () => launchInstance({ path: executable, args, descriptors, cores }, bench);
    return link === undefined ? launch() : link.namespace.inside(launch);
  };
  const words = path === undefined ? program.args : ["--ipv4=<address>", ...program.args];
  return {
    commandLine: [...build, "&&", `./${program.name}`, ...words],
    imageBytes: statSync(file).size,
    start,
    close: async () => {},
  };
}

function addressWords({ serverAddress, prefixBits }: Link): string[] {
  return [`--ipv4=${serverAddress}/${prefixBits}`];
}

function makeExecutable(file: string, program: Program, path: NetworkPath | undefined): SparseFile {
  const image = readImageFile(file);
  const net = new Map(path === undefined ? [] : [[DEVICE, { tap: TAP_DESCRIPTOR }]]);
  const devices = plannedDevices(matchDevices(image, { net, block: new Map() }));
  const { name, memoryMib } = program;
  return executableForThisHost({ image, memoryMib, devices, name, speaker: name });
}

function writeSparse(path: string, { sizeBytes, pieces }: SparseFile): void {
  const descriptor = openSync(path, "wx", 0o755);
  try {
    for (const { offset, bytes } of pieces) writeSync(descriptor, bytes, 0, bytes.length, offset);
    ftruncateSync(descriptor, sizeBytes);
  } finally {
    closeSync(descriptor);
  }
}

/** System calls that the filter of a guest with one net device lets through, under whatever conditions. */
function allowedCalls(architecture: Architecture): number {
  const descriptors = { epoll: 4, timer: 5, net: [TAP_DESCRIPTOR], block: [] };
  return new Set(sptPolicy(architecture, descriptors).rules.map(({ number }) => number)).size;
}
