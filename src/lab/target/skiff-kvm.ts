import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { guestWords } from "../guest-words.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { lack } from "../lack.ts";
import type { Link, NetworkPath } from "../network.ts";
import { kitFolder, type Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { EMULATED_KVM, lackOfKvm } from "./kvm-lack.ts";
import { processSecurity } from "./process-security.ts";
import { refuseSolo5, type Solo5Image, solo5Image } from "./solo5-image.ts";
import type { Available, Launcher, StartOptions, Target, Unavailable } from "./target.ts";

const TAP_DESCRIPTOR = 3;

/** Skiff's KVM engine, as `skiff run` starts it. */
export const SKIFF_KVM: Target = {
  name: "skiff-kvm",
  title: "Skiff, KVM engine",
  probe: async (bench) => probe(bench),
};

function probe({ host, network, version }: Workbench): Available | Unavailable {
  const lacking = lackOfKvm(host.kvm);
  if (lacking !== undefined) return { available: false, ...lacking };
  const command = join(dirname(kitFolder()), "dist/skiff.cjs");
  if (!existsSync(command)) return { available: false, ...lack(`${command} is not there`, "npm run build") };
  return {
    available: true,
    version: `Skiff ${version}, Node ${process.version}`,
    found: command,
    paths: network === undefined ? [] : ["tap"],
    refuse: (program) => refuseSolo5(program, "kvm"),
    prepare: async (program, path, bench) => prepare(command, program, path, bench),
    security: async (instance) => ({
      ...processSecurity(instance),
      kernel: "own",
      note: "the columns are about the process of Node that serves the guest's hypercalls",
    }),
    ...(host.kvm.state === "emulated" ? { warning: EMULATED_KVM } : {}),
  };
}

function prepare(command: string, program: Program, path: NetworkPath | undefined, bench: Workbench): Launcher {
  const image = solo5Image(program, "kvm");
  return {
    commandLine: [process.execPath, ...words(command, image, program, path && "places")],
    imageBytes: statSync(image.path).size,
    start: async (options) => start(words(command, image, program, options.link), options, bench),
    close: async () => {},
  };
}

function start(args: readonly string[], { cores, link }: StartOptions, bench: Workbench): Instance {
  const descriptors = link?.path === "tap" ? [link.descriptor] : [];
  // Skiff's own words, e.g. that KVM is emulated, are no output of the guest's.
  const command = { path: process.execPath, args, descriptors, cores, errors: "apart" } as const;
  const launch = () => launchInstance(command, bench);
  return link === undefined ? launch() : link.namespace.inside(launch);
}

function words(command: string, image: Solo5Image, program: Program, link: Link | "places" | undefined): string[] {
  const { path, netDevice } = image;
  const devices = netDevice === undefined ? [] : ["--net", `${netDevice}=@${TAP_DESCRIPTOR}`];
  const options = ["--engine", "kvm", "--mem", String(program.memoryMib), ...devices];
  return [command, "run", ...options, path, ...guestWords(program, link)];
}
