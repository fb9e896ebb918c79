import { closeSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { SparseFile } from "../../engine/process/elf.ts";
import { sptPolicy } from "../../engine/process/seccomp/policy.ts";
import type { Architecture } from "../../format/image.ts";
import { plannedDevices } from "../../monitor/build-devices.ts";
import { hostArchitecture } from "../../monitor/engine-choice.ts";
import { matchDevices } from "../../monitor/match-devices.ts";
import { executableForThisHost } from "../../monitor/process-machine.ts";
import { guestWords } from "../guest-words.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import type { NetworkPath } from "../network.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { processSecurity } from "./process-security.ts";
import { refuseSolo5, type Solo5Image, solo5Image } from "./solo5-image.ts";
import type { Launcher, StartOptions, Target } from "./target.ts";

/** Where a server's executable finds the tap. */
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
    refuse: (program) => refuseSolo5(program, "process"),
    prepare: async (program, path, bench) => prepare(program, path, bench),
    security: async (instance) => processSecurity(instance, allowedCalls(hostArchitecture())),
  }),
};

function prepare(program: Program, path: NetworkPath | undefined, bench: Workbench): Launcher {
  const found = solo5Image(program, "process");
  const executable = join(bench.folder("process"), program.name);
  const devices = found.netDevice === undefined ? [] : ["--net", `${found.netDevice}=@${TAP_DESCRIPTOR}`];
  const build = ["skiff", "build", found.path, "--mem", String(program.memoryMib), ...devices, "-o", program.name];
  writeSparse(executable, makeExecutable(found, program));
  const start = async ({ cores, link }: StartOptions) => {
    const descriptors = link?.path === "tap" ? [link.descriptor] : [];
    const args = guestWords(program, link);
    const launch = () => launchInstance({ path: executable, args, descriptors, cores }, bench);
    return link === undefined ? launch() : link.namespace.inside(launch);
  };
  return {
    commandLine: [...build, "&&", `./${program.name}`, ...guestWords(program, path && "places")],
    imageBytes: statSync(found.path).size,
    start,
    close: async () => {},
  };
}

function makeExecutable({ image, netDevice }: Solo5Image, { name, memoryMib }: Program): SparseFile {
  const net = new Map(netDevice === undefined ? [] : [[netDevice, { tap: TAP_DESCRIPTOR }]]);
  const devices = plannedDevices(matchDevices(image, { net, block: new Map() }));
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
