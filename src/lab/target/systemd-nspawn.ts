import { mkdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
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
/** No machined, no scope of its own, nothing of the host's settings: the container alone. */
const ALONE = [
  "--quiet",
  "--register=no",
  "--keep-unit",
  "--settings=no",
  "--as-pid2",
  "--console=pipe",
  "--read-only",
  "--timezone=off",
  "--resolv-conf=off",
  "--link-journal=no",
];
/** It takes a root without them for a mistake. */
const EXPECTED_FOLDERS = ["usr", "etc", "run", "var"];
/** Where nspawn 252 makes a folder for each container and a lock for each root, which it leaves where it is killed. */
const PROPAGATE_FOLDER = "/run/systemd/nspawn/propagate";
const LOCK_FOLDER = "/run/systemd/nspawn/locks";
/** By its value the watchdog finds the workload, which has a session of its own and outlives a killed nspawn. */
const NAME_VARIABLE = "SKIFF_INSTANCE";
const KILL_BY_NAME = 'grep -lsz "^$1\\$" /proc/[0-9]*/environ | cut -d / -f 3 | xargs -r kill -KILL';

/** What nspawn takes from its surroundings: nothing but this. */
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

/** As it is, it mounts an empty /tmp (systemd's docs/ENVIRONMENT.md). */
const WITH_OWN_TMP = { ...ENVIRONMENT, SYSTEMD_NSPAWN_TMPFS_TMP: "0" };

/** systemd's containers: a runtime without a daemon. */
export const SYSTEMD_NSPAWN: Target = {
  name: "systemd-nspawn",
  title: "systemd-nspawn",
  probe: async (bench) => probe(bench),
};

async function probe({ network }: Workbench): Promise<Available | Unavailable> {
  const found = findProgram("systemd-nspawn");
  if (found === undefined) {
    return { available: false, ...lack("systemd-nspawn is not installed", "apt-get install systemd-container") };
  }
  if (process.getuid?.() !== 0) {
    return { available: false, ...lack("systemd-nspawn makes containers for root only", "run it as root") };
  }
  const { output } = await runProgram(found, ["--version"], LIMIT_MS);
  const version = /^systemd (\d+(?: \(\S+\))?)/.exec(output)?.[1];
  if (version === undefined) return { available: false, ...lack(`${found} --version says: ${output.trim()}`) };
  return {
    available: true,
    version: `systemd ${version}`,
    found,
    paths: network === undefined ? [] : ["veth"],
    refuse: refuseInContainer,
    prepare: async (program, _path, bench) => prepare(found, program, bench),
    security: async (instance) => ({
      ...processSecurity(instance),
      note: "its filter is systemd's list of allowed calls, whose length depends on the capabilities",
    }),
  };
}

function prepare(found: string, program: Program, bench: Workbench): Launcher {
  const root = makeRootFolder(program, join(bench.folder("nspawn"), "root"));
  for (const name of EXPECTED_FOLDERS) mkdirSync(join(root.path, name), { recursive: true });
  const { dev, ino } = statSync(root.path);
  const lock = join(LOCK_FOLDER, `inode-${dev}:${ino}`);
  const guard = bench.guard(["rm", "-f", lock]);
  const start = { name: "<name>", writes: "<writes>", isAlone: program.port === undefined };
  return {
    commandLine: [found, ...words(root, start)],
    imageBytes: root.sizeBytes,
    start: async (options) => startContainer(found, root, options, bench),
    close: async () => {
      rmSync(lock, { force: true });
      guard.release();
    },
  };
}

function startContainer(found: string, root: RootFolder, { cores, link }: StartOptions, bench: Workbench): Instance {
  const folder = makeStartFolder(bench, "nspawn-start");
  const name = basename(folder.path);
  const args = words(root, { name, writes: folder.writes, isAlone: link === undefined });
  const propagate = join(PROPAGATE_FOLDER, name);
  const guards = [
    bench.guard(["sh", "-c", KILL_BY_NAME, "sh", `${NAME_VARIABLE}=${name}`]),
    bench.guard(["rm", "-rf", propagate]),
  ];
  const cleanUp = async () => {
    folder.remove();
    rmSync(propagate, { recursive: true, force: true });
    for (const guard of guards) guard.release();
  };
  const environment = root.hasTmp ? WITH_OWN_TMP : ENVIRONMENT;
  const launch = () => launchInstance({ path: found, args, environment, cores, cleanUp }, bench);
  return link === undefined ? launch() : link.namespace.inside(launch);
}

interface Start {
  readonly name: string;
  readonly writes: string;
  readonly isAlone: boolean;
}

function words(root: RootFolder, { name, writes, isAlone }: Start): string[] {
  const environment = Object.entries({ ...root.environment, [NAME_VARIABLE]: name }).map(
    ([key, value]) => `--setenv=${key}=${value}`,
  );
  const bind = root.writes === undefined ? [] : [`--bind=${writes}:${root.writes}`];
  const network = isAlone ? ["--private-network"] : [];
  const own = [`--machine=${name}`, `--directory=${root.path}`, ...network, ...bind, ...environment];
  return [...ALONE, ...own, "--", ...root.words];
}
