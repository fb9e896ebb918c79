import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import { removeControlGroup } from "../container/control-group.ts";
import { makeRootFolder, type RootFolder, refuseInContainer } from "../container/root-folder.ts";
import { makeStartFolder } from "../container/start-folder.ts";
import { TRIAL, tryLauncher } from "../container/trial.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { withOwn } from "../instance/with-own.ts";
import { lack } from "../lack.ts";
import type { Link } from "../network.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { processSecurity } from "./process-security.ts";
import type { Available, Launcher, StartOptions, Target, Unavailable } from "./target.ts";

const LIMIT_MS = 3_000;
const REMOVE_LIMIT_MS = 8_000;
/** Linux allows no more files unless fs.nr_open is raised. */
const LIMIT_MAX = 1_048_576;
/** The one variable of its environment that Podman hands on to the container's monitor, conmon. */
const SETTINGS_VARIABLE = "CONTAINERS_CONF";

/** Runs the words behind its first, with which the control groups that they leave begin. */
const REMOVE = `group=$1; shift; env "$@"
for turn in $(seq 100); do
  folders=$(find /sys/fs/cgroup -depth -type d -path "*/$group*")
  [ -n "$folders" ] || break
  for folder in $folders; do kill -KILL $(cat "$folder/cgroup.procs"); rmdir "$folder"; done
  sleep 0.05
done`;

/** Docker's commands without a daemon, from a root folder: no image, no registry, nothing of the host's own store. */
export const PODMAN: Target = {
  name: "podman",
  title: "Podman",
  probe: async (bench) => probe(bench),
};

interface Podman {
  readonly found: string;
  /** The OCI runtime that it is to take; undefined for its own choice. */
  readonly runtime: string | undefined;
}

async function probe(bench: Workbench): Promise<Available | Unavailable> {
  const found = findProgram("podman");
  if (found === undefined) return { available: false, ...lack("podman is not installed", "apt-get install podman") };
  if (process.getuid?.() !== 0) {
    return { available: false, ...lack("podman can join the lab's network for root only", "run it as root") };
  }
  const { output } = await runProgram(found, ["--version"], LIMIT_MS);
  const version = /^podman version (\S+)/m.exec(output)?.[1];
  if (version === undefined) {
    return { available: false, ...lack(`${found} --version says: ${output.trim().split("\n")[0]}`) };
  }
  // crun up to 1.8 refuses hosts that mount cgroup v2 beside v1.
  const runtime = bench.host.cgroup.unifiedPath === null ? undefined : findProgram("runc");
  const podman: Podman = { found, runtime };
  const failure = await tryLauncher("podman", prepare(podman, TRIAL, bench), bench);
  if (failure !== undefined) return { available: false, ...lack(failure) };
  return {
    available: true,
    version: runtime === undefined ? `podman ${version}` : `podman ${version} with ${basename(runtime)}`,
    found,
    paths: bench.network === undefined ? [] : ["veth"],
    refuse: refuseInContainer,
    prepare: async (program, _path, workbench) => prepare(podman, program, workbench),
    security: async (instance) => ({
      ...processSecurity(instance),
      note: "its filter is that of the package golang-github-containers-common, whose length depends on the capabilities",
    }),
  };
}

/** A folder for Podman's own files, and the root that its containers share. */
interface Store extends Podman {
  readonly folder: string;
  readonly root: RootFolder;
}

function prepare(podman: Podman, program: Program, bench: Workbench): Launcher {
  const folder = bench.folder("podman");
  const root = makeRootFolder(program, join(folder, "root"));
  const store: Store = { ...podman, folder, root };
  const start = { name: "<name>", writes: "<writes>", cores: [], link: undefined };
  return {
    commandLine: words(store, start),
    imageBytes: root.sizeBytes,
    start: async (options) => startContainer(store, options, bench),
    close: async () => {},
  };
}

function startContainer(store: Store, { cores, link }: StartOptions, bench: Workbench): Instance {
  const start = makeStartFolder(bench, "podman-start");
  const name = `skiff-${process.pid}-${basename(start.path)}`;
  const settings = join(start.path, "containers.conf");
  writeFileSync(settings, settingsOf(store));
  const environment = environmentOf(store, settings);
  const remove = [...globalWords(store), "rm", "--force", "--time", "0", "--ignore", name];
  const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  const guard = bench.guard(["sh", "-c", REMOVE, "sh", name, ...variables, ...remove]);
  const cleanUp = async () => {
    await runProgram("/usr/bin/env", [...variables, ...remove], REMOVE_LIMIT_MS);
    await removeControlGroup(name);
    start.remove();
    guard.release();
  };
  const [path = "", ...args] = words(store, { name, writes: start.writes, cores, link });
  const mark = `${SETTINGS_VARIABLE}=${settings}`;
  const instance = launchInstance({ path, args, environment, mark, cores, cleanUp }, bench);
  return withOwn(instance, { pids: () => withoutClient(instance.pids()) });
}

/** The command that is attached to the container is the lab's way to its output, no part of what the container takes. */
function withoutClient(pids: readonly number[]): readonly number[] {
  return pids.length > 1 ? pids.slice(1) : pids;
}

interface Start {
  readonly name: string;
  readonly writes: string;
  readonly cores: readonly number[];
  readonly link: Link | undefined;
}

function globalWords({ found, folder }: Store): string[] {
  const own = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"];
  return [found, ...own];
}

function words(store: Store, { name, writes, cores, link }: Start): string[] {
  const { root } = store;
  const network = link === undefined ? "none" : `ns:${link.namespace.path}`;
  const environment = Object.entries(root.environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  return [
    ...[...globalWords(store), "run", "--rm", "--name", name],
    ...["--network", network, "--log-driver", "none", "--read-only", "--workdir", "/"],
    ...(root.hasTmp ? ["--read-only-tmpfs=false"] : []),
    ...["--cgroup-parent", `/${name}`],
    ...["--cpuset-cpus", cores.length === 0 ? "<cores>" : cores.join(",")],
    ...(root.writes === undefined ? [] : ["--volume", `${writes}:${root.writes}`]),
    ...environment,
    ...["--rootfs", root.path, ...root.words],
  ];
}

function environmentOf({ folder }: Store, settings: string): Record<string, string> {
  const { PATH = "/usr/sbin:/usr/bin:/sbin:/bin" } = process.env;
  return { PATH, HOME: folder, [SETTINGS_VARIABLE]: settings };
}

/** In place of the host's own (containers.conf(5)); limits that Podman has itself, as it may lack the right to raise them. */
function settingsOf({ folder, runtime }: Store): string {
  // Podman takes no more processes for itself than the kernel has numbers for.
  const processes = Math.min(hardLimit("Max processes"), Number(readFileSync("/proc/sys/kernel/pid_max", "utf8")));
  const limits = [
    ["nofile", hardLimit("Max open files")],
    ["nproc", processes],
  ];
  return [
    "[containers]",
    `default_ulimits = [${limits.map(([name, limit]) => `"${name}=${limit}:${limit}"`).join(", ")}]`,
    "[engine]",
    'cgroup_manager = "cgroupfs"',
    'events_logger = "none"',
    'lock_type = "file"',
    `static_dir = "${join(folder, "static")}"`,
    `tmp_dir = "${join(folder, "tmp")}"`,
    `volume_path = "${join(folder, "volumes")}"`,
    ...(runtime === undefined ? [] : [`runtime = "${runtime}"`]),
    "",
  ].join("\n");
}

/** From /proc/self/limits (proc(5)), whose columns are the soft and the hard limit. */
function hardLimit(name: string): number {
  const line = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, "m").exec(readFileSync("/proc/self/limits", "utf8"));
  return line?.[1] === undefined || line[1] === "unlimited" ? LIMIT_MAX : Number(line[1]);
}
