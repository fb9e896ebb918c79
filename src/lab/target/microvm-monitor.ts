import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "../../format/image.ts";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import { hostArchitecture } from "../../monitor/engine-choice.ts";
import { makeStartFolder } from "../container/start-folder.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { withOwn } from "../instance/with-own.ts";
import { type Lack, lack } from "../lack.ts";
import { type Boot, type Bootable, makeBoot, refuseBoot } from "../linux-guest/boot.ts";
import { findGuestParts } from "../linux-guest/find-parts.ts";
import type { GuestParts } from "../linux-guest/guest.ts";
import { readVmlinux } from "../linux-guest/vmlinux.ts";
import type { Link, NetworkPath } from "../network.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { lackOfRealKvm } from "./kvm-lack.ts";
import { processSecurity } from "./process-security.ts";
import type { Available, Launcher, StartOptions, Target, Unavailable } from "./target.ts";

/** A monitor on KVM that is no PC: it boots the kernel itself, and opens a tap by its name. */
export interface MicrovmMonitor {
  readonly name: string;
  readonly title: string;
  /** Where to get it: no Debian package has it. */
  readonly mend: string;
  /** The version in the output of `--version`, e.g. `1.12.0`. */
  readonly version: RegExp;
  /** Why that version cannot run a guest with Debian's kernel; undefined where it can. */
  readonly refuseVersion?: (version: string, architecture: Architecture) => Lack | undefined;
  readonly console: Readonly<Record<Architecture, string>>;
  /** Drivers of its network device. */
  readonly modules: readonly string[];
  /** Whether it starts a machine anew that resets itself. */
  readonly restarts: boolean;
  /** The monitor's words, and what it is to find in a file whose path stands in them as `FILE`. */
  readonly command: (machine: Machine) => { readonly words: readonly string[]; readonly file?: string };
}

/** What a monitor's machine is made of. */
export interface Machine {
  readonly kernel: string;
  readonly initramfs: string | undefined;
  readonly append: string;
  readonly processors: number;
  readonly memoryMib: number;
  readonly net: MachineNet | undefined;
}

export interface MachineNet {
  readonly tap: string;
  /** The guest's. */
  readonly mac: string;
  /** The tap's own address, e.g. `10.200.0.1`, with the bits of its network. */
  readonly hostAddress: string;
  readonly prefixBits: number;
}

export const FILE = "<file>";
const LIMIT_MS = 2_000;
const BOOTABLE: Bootable = { solo5: undefined, disks: false };

/** The target that such a monitor is. */
export function microvmTarget(monitor: MicrovmMonitor): Target {
  return { name: monitor.name, title: monitor.title, probe: async (bench) => probe(monitor, bench) };
}

interface Found {
  readonly path: string;
  readonly monitor: MicrovmMonitor;
  readonly parts: GuestParts;
}

async function probe(monitor: MicrovmMonitor, { host, network }: Workbench): Promise<Available | Unavailable> {
  const { name, mend } = monitor;
  const path = findProgram(name);
  if (path === undefined) return { available: false, ...lack(`${name} is not on PATH`, mend) };
  const { output } = await runProgram(path, ["--version"], LIMIT_MS);
  const version = monitor.version.exec(output)?.[1];
  if (version === undefined) {
    return { available: false, ...lack(`${path} --version says: ${output.trim().split("\n")[0]}`) };
  }
  const architecture = hostArchitecture();
  const lacking = lackOfRealKvm(host.kvm) ?? monitor.refuseVersion?.(version, architecture);
  if (lacking !== undefined) return { available: false, ...lacking };
  const found = findGuestParts(architecture);
  if ("reason" in found) return { available: false, ...found };
  const { modules, restarts } = monitor;
  const parts: GuestParts = { ...found, console: monitor.console[architecture], modules, restarts };
  return {
    available: true,
    version: `${name} ${version}, Linux ${parts.kernel.release}`,
    found: `${path}, ${parts.kernel.path}`,
    paths: network === undefined ? [] : ["tap"],
    refuse: (program) => refuseBoot(program, BOOTABLE),
    prepare: async (program, path_, bench) => prepare({ path, monitor, parts }, program, path_, bench),
    security: async (instance) => ({
      ...processSecurity(instance),
      kernel: "own",
      note: "the columns are about the monitor's own process",
    }),
  };
}

function prepare(found: Found, program: Program, path: NetworkPath | undefined, bench: Workbench): Launcher {
  const folder = bench.folder(found.monitor.name);
  const made = makeBoot(program, BOOTABLE, found.parts, folder);
  const kernel = join(folder, "vmlinux");
  writeFileSync(kernel, readVmlinux(made.kernel ?? ""));
  const packedBytes = statSync(made.kernel ?? "").size;
  const boot: Boot = { ...made, kernel, imageBytes: made.imageBytes - packedBytes + statSync(kernel).size };
  const { words } = found.monitor.command(machineOf(boot, 1, path && "places"));
  return {
    commandLine: [found.path, ...words],
    imageBytes: boot.imageBytes,
    start: async (options) => start(found, boot, options, bench),
    close: async () => {},
  };
}

function start(found: Found, boot: Boot, { cores, link }: StartOptions, bench: Workbench): Instance {
  const folder = makeStartFolder(bench, `${found.monitor.name}-start`);
  const { words, file = "" } = found.monitor.command(machineOf(boot, cores.length, link));
  const config = join(folder.path, "config.json");
  writeFileSync(config, file);
  const args = words.map((word) => word.replaceAll(FILE, config));
  const cleanUp = async () => folder.remove();
  // What the monitor itself says is no output of the workload's.
  const command = { path: found.path, args, cores, errors: "apart", cleanUp } as const;
  const launch = () => onConsole(launchInstance(command, bench));
  if (link === undefined) return launch();
  if (link.path === "tap") link.release();
  return link.namespace.inside(launch);
}

function machineOf(boot: Boot, processors: number, link: Link | "places" | undefined): Machine {
  const { kernel = "", initramfs, append, memoryMib } = boot;
  const net = link === undefined ? undefined : netOf(link);
  return { kernel, initramfs, append: append(link), processors, memoryMib, net };
}

function netOf(link: Link | "places"): MachineNet {
  if (link === "places" || link.path !== "tap") {
    return { tap: "<tap>", mac: "<mac>", hostAddress: "<gateway>", prefixBits: 30 };
  }
  const { interface: tap, mac, clientAddress: hostAddress, prefixBits } = link;
  return { tap, mac, hostAddress, prefixBits };
}

/** A terminal ends lines by a carriage return as well. */
function onConsole(instance: Instance): Instance {
  return withOwn(instance, { output: () => instance.output().replaceAll("\r\n", "\n") });
}
