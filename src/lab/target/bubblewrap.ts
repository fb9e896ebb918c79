import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import { makeRootFolder, type RootFolder, refuseInContainer } from "../container/root-folder.ts";
import { makeStartFolder } from "../container/start-folder.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { lack } from "../lack.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { processSecurity } from "./process-security.ts";
import type { Available, Launcher, StartOptions, Target, Unavailable } from "./target.ts";

const LIMIT_MS = 2_000;
const NAMESPACES = ["user", "pid", "ipc", "uts", "cgroup"].map((name) => `--unshare-${name}`);
const ISOLATION = [...NAMESPACES, "--cap-drop", "ALL", "--die-with-parent"];

/** The sandbox of Flatpak: namespaces without a daemon, without root. */
export const BUBBLEWRAP: Target = {
  name: "bubblewrap",
  title: "bubblewrap",
  probe: async (bench) => probe(bench),
};

async function probe({ network }: Workbench): Promise<Available | Unavailable> {
  const found = findProgram("bwrap");
  if (found === undefined) {
    return { available: false, ...lack("bwrap is not installed", "apt-get install bubblewrap") };
  }
  const { output } = await runProgram(found, ["--version"], LIMIT_MS);
  const trial = await runProgram(found, [...ISOLATION, "--unshare-net", "--ro-bind", "/", "/", "true"], LIMIT_MS);
  if (trial.status !== 0) {
    const reason = `bwrap can make no sandbox here: ${trial.output.trim().split("\n")[0]}`;
    return {
      available: false,
      ...lack(reason, "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000"),
    };
  }
  return {
    available: true,
    version: output.trim(),
    found,
    paths: network === undefined ? [] : ["veth"],
    refuse: refuseInContainer,
    prepare: async (program, _path, bench) => prepare(found, program, bench),
    security: async (instance) => processSecurity(instance),
  };
}

function prepare(found: string, program: Program, bench: Workbench): Launcher {
  const root = makeRootFolder(program, join(bench.folder("bubblewrap"), "root"));
  const writes = root.writes === undefined ? undefined : "<writes>";
  return {
    commandLine: [found, ...words(root, writes, program.port === undefined)],
    imageBytes: root.sizeBytes,
    start: async (options) => start(found, root, options, bench),
    close: async () => {},
  };
}

function start(found: string, root: RootFolder, { cores, link }: StartOptions, bench: Workbench): Instance {
  const folder = makeStartFolder(bench, "bubblewrap-start");
  const args = words(root, folder.writes, link === undefined);
  const cleanUp = async () => folder.remove();
  const launch = () => launchInstance({ path: found, args, environment: root.environment, cores, cleanUp }, bench);
  if (link === undefined) return launch();
  return link.namespace.inside(() => {
    // The root of its user namespace has no rights over the link's namespace.
    writeFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    return launch();
  });
}

function words(root: RootFolder, writes: string | undefined, isAlone: boolean): string[] {
  const bind = root.writes === undefined || writes === undefined ? [] : ["--bind", writes, root.writes];
  const tmp = root.hasTmp ? [] : ["--tmpfs", "/tmp"];
  const mounts = ["--ro-bind", root.path, "/", "--proc", "/proc", "--dev", "/dev", ...tmp, ...bind];
  return [...ISOLATION, ...(isAlone ? ["--unshare-net"] : []), ...mounts, "--", ...root.words];
}
