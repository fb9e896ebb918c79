import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { asRoot } from "../../host/probe/lack.ts";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import { hostArchitecture } from "../../monitor/engine-choice.ts";
import { makeStartFolder } from "../container/start-folder.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { withOwn } from "../instance/with-own.ts";
import { lack, SampleError } from "../lack.ts";
import { type Boot, type Bootable, makeBoot, refuseBoot } from "../linux-guest/boot.ts";
import { findGuestParts } from "../linux-guest/find-parts.ts";
import type { GuestParts } from "../linux-guest/guest.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import type { Available, Launcher, StartOptions, Target, Unavailable } from "./target.ts";

const LIMIT_MS = 3_000;
const DESTROY_LIMIT_MS = 8_000;
/** Xen's loader takes what Linux's boot loaders take, and ELF files with its notes. */
const BOOTABLE: Bootable = { solo5: undefined, disks: false };

/** A domain of Xen beside this host's own, with the workload as its first process. */
export const XL: Target = {
  name: "xl",
  title: "Xen, PVH domain",
  probe: async (bench) => probe(bench),
};

interface Xen {
  readonly found: string;
  readonly parts: GuestParts;
}

async function probe(bench: Workbench): Promise<Available | Unavailable> {
  const architecture = hostArchitecture();
  const found = findProgram("xl");
  const install = `apt-get install xen-system-${architecture === "x86-64" ? "amd64" : "arm64"}`;
  const mend = `${asRoot(install)}, and start this host anew below Xen`;
  if (found === undefined) return { available: false, ...lack("xl is not on PATH", mend) };
  const { status, output } = await runProgram(found, ["info"], LIMIT_MS);
  const version = /^xen_version\s*:\s*(\S+)/m.exec(output)?.[1];
  if (status !== 0 || version === undefined) {
    const line = output.trim().split("\n")[0]?.replace(/\s+/g, " ");
    return { available: false, ...lack(`this host does not run below Xen; xl info says: ${line}`, mend) };
  }
  const parts = findGuestParts(architecture);
  if ("reason" in parts) return { available: false, ...parts };
  const xen: Xen = { found, parts: { ...parts, console: "hvc0", modules: [] } };
  return {
    available: true,
    version: `Xen ${version}, Linux ${parts.kernel.release}`,
    found: `${found}, ${parts.kernel.path}`,
    // A domain's interface has its other end where Xen's backend runs, and not in the lab's namespace.
    paths: [],
    refuse: (program) => refuseBoot(program, BOOTABLE),
    prepare: async (program, _path, workbench) => prepare(xen, program, workbench),
    security: async () => ({
      kernel: "own",
      systemCalls: null,
      namespaces: null,
      capabilities: null,
      noNewPrivileges: null,
      note: "a domain is no process of this kernel",
    }),
    warning: `its processors are pinned by Xen's numbers; this kernel's are the same only where it has them all (${bench.cores.servers.join(", ")} for servers)`,
  };
}

function prepare(xen: Xen, program: Program, bench: Workbench): Launcher {
  const boot = makeBoot(program, BOOTABLE, xen.parts, bench.folder("xl"));
  return {
    commandLine: words(xen, "<file>"),
    imageBytes: boot.imageBytes,
    start: async (options) => startDomain(xen, boot, options, bench),
    close: async () => {},
  };
}

function startDomain(xen: Xen, boot: Boot, { cores }: StartOptions, bench: Workbench): Instance {
  const folder = makeStartFolder(bench, "xl-start");
  const name = `skiff-${process.pid}-${basename(folder.path)}`;
  const file = join(folder.path, "domain.cfg");
  writeFileSync(file, domainConfig(boot, name, cores));
  const destroy = [xen.found, "destroy", name];
  const guard = bench.guard(destroy);
  const cleanUp = async () => {
    const [path = "", ...args] = destroy;
    await runProgram(path, args, DESTROY_LIMIT_MS);
    folder.remove();
    guard.release();
  };
  const [path = "", ...args] = words(xen, file);
  const { PATH = "/usr/sbin:/usr/bin:/sbin:/bin" } = process.env;
  // What xl itself says is no output of the workload's.
  const command = { path, args, environment: { PATH }, cores, errors: "apart", cleanUp } as const;
  const instance = launchInstance(command, bench);
  return withOwn(instance, { output: () => instance.output().replaceAll("\r\n", "\n") });
}

function words({ found }: Xen, file: string): string[] {
  return [found, "create", "-q", "-c", file];
}

/** A domain's settings (xl.cfg(5)); it goes with its guest's end, however that comes. */
export function domainConfig(
  { kernel = "", initramfs, append, memoryMib }: Boot,
  name: string,
  cores: readonly number[],
) {
  const ends = ["poweroff", "reboot", "crash", "watchdog"].map((event) => `on_${event} = "destroy"`);
  return [
    `name = ${quote(name)}`,
    'type = "pvh"',
    `kernel = ${quote(kernel)}`,
    ...(initramfs === undefined ? [] : [`ramdisk = ${quote(initramfs)}`]),
    `extra = ${quote(append(undefined))}`,
    `memory = ${memoryMib}`,
    `vcpus = ${cores.length}`,
    `cpus = "${cores.join(",")}"`,
    ...ends,
    "",
  ].join("\n");
}

/** Strings have no escapes: they end with the mark with which they begin. */
function quote(text: string): string {
  const mark = ['"', "'"].find((candidate) => !text.includes(candidate));
  if (mark === undefined || text.includes("\n")) throw new SampleError(`Xen's settings cannot hold: ${text}`);
  return `${mark}${text}${mark}`;
}
