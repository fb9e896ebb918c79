import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { EngineName } from "../../monitor/engine-choice.ts";
import { guestWords } from "../guest-words.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { lack } from "../lack.ts";
import type { Link, NetworkPath } from "../network.ts";
import { kitFolder, type Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { processSecurity } from "./process-security.ts";
import { refuseSolo5, type Solo5Image, solo5Image } from "./solo5-image.ts";
import type { Available, Launcher, StartOptions, Unavailable } from "./target.ts";

const TAP_DESCRIPTOR = 3;

/** An engine whose guests `skiff run` keeps in its own process, as a target. */
export function probeSkiffRun(engine: EngineName, { network, version }: Workbench): Available | Unavailable {
  const command = join(dirname(kitFolder()), "dist/skiff.cjs");
  if (!existsSync(command)) return { available: false, ...lack(`${command} is not there`, "npm run build") };
  const words: MakeWords = (image, program, link) => [command, ...runWords(engine, image, program, link)];
  return {
    available: true,
    version: `Skiff ${version}, Node ${process.version}`,
    found: command,
    paths: network === undefined ? [] : ["tap"],
    refuse: (program) => refuseSolo5(program, engine),
    prepare: async (program, path, bench) => prepare(words, solo5Image(program, engine), program, path, bench),
    security: async (instance) => ({
      ...processSecurity(instance),
      kernel: "own",
      note: "the columns are about the process of Node that serves the guest's hypercalls",
    }),
  };
}

type MakeWords = (image: Solo5Image, program: Program, link: Link | "places" | undefined) => string[];

function prepare(
  words: MakeWords,
  image: Solo5Image,
  program: Program,
  path: NetworkPath | undefined,
  bench: Workbench,
): Launcher {
  return {
    commandLine: [process.execPath, ...words(image, program, path && "places")],
    imageBytes: statSync(image.path).size,
    start: async (options) => start(words(image, program, options.link), options, bench),
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

function runWords(
  engine: EngineName,
  { path, netDevice }: Solo5Image,
  program: Program,
  link: Link | "places" | undefined,
): string[] {
  const devices = netDevice === undefined ? [] : ["--net", `${netDevice}=@${TAP_DESCRIPTOR}`];
  const options = ["--engine", engine, "--mem", String(program.memoryMib), ...devices];
  return ["run", ...options, path, ...guestWords(program, link)];
}
