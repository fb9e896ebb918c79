import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { asRoot } from "../../host/probe/lack.ts";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import { makeRootFolder, type RootFolder, refuseInContainer } from "../container/root-folder.ts";
import { makeStartFolder, type StartFolder } from "../container/start-folder.ts";
import { TRIAL, tryLauncher } from "../container/trial.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { withOwn } from "../instance/with-own.ts";
import { lack, SampleError } from "../lack.ts";
import type { VethLink } from "../network.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { processSecurity } from "./process-security.ts";
import type { Available, Launcher, StartOptions, Target, Unavailable } from "./target.ts";

const LIMIT_MS = 3_000;
const ENGINE_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 1;
/** Of the user's environment: where the engine is. */
const VARIABLES = ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY"] as const;

/** Docker's engine with an image that is imported from the lab's own files, from no registry. */
export const DOCKER: Target = {
  name: "docker",
  title: "Docker",
  probe: async (bench) => probe(bench),
};

async function probe(bench: Workbench): Promise<Available | Unavailable> {
  const found = findProgram("docker");
  if (found === undefined) {
    return { available: false, ...lack("docker is not installed", asRoot("apt-get install docker.io")) };
  }
  const asked = await runProgram(found, ["version", "--format", "{{.Server.Version}}"], LIMIT_MS);
  if (asked.status !== 0) {
    const mend = findProgram("dockerd") === undefined ? "apt-get install docker.io" : "systemctl start docker";
    return { available: false, ...lack("Docker's engine does not answer", asRoot(mend)) };
  }
  try {
    const failure = await tryLauncher("docker", prepare(found, TRIAL, bench), bench);
    if (failure !== undefined) return { available: false, ...lack(failure) };
  } catch (error) {
    if (error instanceof SampleError) return { available: false, ...lack(error.message) };
    throw error;
  }
  return {
    available: true,
    version: `Docker ${asked.output.trim()}`,
    found,
    paths: bench.network === undefined || findProgram("nsenter") === undefined ? [] : ["veth"],
    refuse: refuseInContainer,
    prepare: async (program, _path, workbench) => prepare(found, program, workbench),
    security: async (instance) => ({
      ...processSecurity(instance),
      note: "its filter is Docker's default profile, whose length depends on the capabilities",
    }),
    warning:
      "a server's start includes the time in which the lab moves its interface in; memory is the container's own, without the engine and the shim",
  };
}

interface Docker {
  readonly found: string;
  /** The name of its image, e.g. `skiff-lab-4711-docker-xYz123`. */
  readonly image: string;
  readonly root: RootFolder;
}

function prepare(found: string, program: Program, bench: Workbench): Launcher {
  const folder = bench.folder("docker");
  const root = makeRootFolder(program, join(folder, "root"));
  const docker: Docker = { found, image: `skiff-lab-${process.pid}-${basename(folder)}`.toLowerCase(), root };
  const remove = [found, "image", "rm", "--force", docker.image];
  const guard = bench.guard(["env", ...engineVariables(), ...remove]);
  importImage(docker, join(folder, "root.tar"));
  return {
    commandLine: words(docker, { name: "<name>", id: "<file>", writes: "<writes>", cores: [] }),
    imageBytes: root.sizeBytes,
    start: async (options) => startContainer(docker, options, bench),
    close: async () => {
      const [path = "", ...args] = remove;
      await runProgram(path, args, ENGINE_LIMIT_MS);
      guard.release();
    },
  };
}

function importImage({ found, image, root }: Docker, archive: string): void {
  run("tar", ["--create", "--file", archive, "--directory", root.path, "."]);
  run(found, ["import", archive, image]);
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: ENGINE_LIMIT_MS });
  if (error !== undefined) throw new SampleError(`${program}: ${error.message}`, { cause: error });
  if (status !== 0) throw new SampleError(`${program} ${args[0]}: ${stderr.trim()}`);
}

async function startContainer(docker: Docker, options: StartOptions, bench: Workbench): Promise<Instance> {
  const { cores, link } = options;
  const folder = makeStartFolder(bench, "docker-start");
  const name = `skiff-${process.pid}-${basename(folder.path)}`;
  const id = join(folder.path, "id");
  const [path = "", ...args] = words(docker, { name, id, writes: folder.writes, cores });
  const environment = Object.fromEntries(engineVariables().map((word) => word.split(/=(.*)/s)));
  const cleanUp = removal(docker, name, folder, bench);
  const client = launchInstance({ path, args, environment, cores, cleanUp }, bench);
  const instance = new Container(client, id).instance;
  if (link?.path !== "veth") return instance;
  try {
    await moveInto(instance, id, link);
    return instance;
  } catch (error) {
    await instance.stop();
    throw error;
  }
}

function removal({ found }: Docker, name: string, folder: StartFolder, bench: Workbench): () => Promise<void> {
  const remove = [found, "rm", "--force", "--volumes", name];
  const guard = bench.guard(["env", ...engineVariables(), ...remove]);
  return async () => {
    const [path = "", ...args] = remove;
    await runProgram(path, args, ENGINE_LIMIT_MS);
    folder.remove();
    guard.release();
  };
}

function engineVariables(): string[] {
  return VARIABLES.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`]));
}

/** The container behind a client that is attached to it. */
class Container {
  readonly instance: Instance;
  readonly #client: Instance;
  readonly #id: string;
  #stopping: Promise<void> | undefined;

  /** @param id the file into which the client writes the container's id once the engine has made it. */
  constructor(client: Instance, id: string) {
    this.#client = client;
    this.#id = id;
    this.instance = withOwn(client, { pids: () => this.#pids(), stop: () => this.#stop() });
  }

  #pids(): readonly number[] {
    if (this.#stopping !== undefined) return [];
    const inside = processesOf(this.#id);
    return inside.length === 0 ? this.#client.pids() : inside;
  }

  #stop(): Promise<void> {
    this.#stopping ??= this.#stopOnce();
    return this.#stopping;
  }

  /** What the engine is about to make can be removed only once it is there. */
  async #stopOnce(): Promise<void> {
    const endMs = performance.now() + LIMIT_MS;
    while (!existsSync(this.#id) && performance.now() < endMs) {
      const ended = await this.#client.exited(LOOK_AGAIN_MS).catch(() => undefined);
      if (ended !== undefined) break;
    }
    await this.#client.stop();
  }
}

/** Processes whose control group has the container's id in its name, under either of the engine's drivers. */
function processesOf(idFile: string): number[] {
  const id = readText(idFile);
  if (id === "") return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && readText(`/proc/${pid}/cgroup`).includes(id));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

/** Docker joins no namespace that is not its own: the link's interface goes into the container's, with its address. */
async function moveInto(instance: Instance, idFile: string, link: VethLink): Promise<void> {
  const endMs = performance.now() + ENGINE_LIMIT_MS;
  for (;;) {
    // Those that only prepare the container come and go.
    for (const pid of processesOf(idFile).filter(hasOwnNetwork)) if (isMoved(link, String(pid))) return;
    const ended = await instance.exited(LOOK_AGAIN_MS).catch(() => undefined);
    if (ended !== undefined || performance.now() > endMs) {
      throw new SampleError(`no container came to run: ${instance.output()}`);
    }
  }
}

function hasOwnNetwork(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false;
  }
}

/** False where the process has ended before. */
function isMoved(link: VethLink, pid: string): boolean {
  const name = link.interface;
  const { status } = link.namespace.inside(() => spawnSync("ip", ["link", "set", name, "netns", pid]));
  if (status !== 0) return false;
  const inside = ["--target", pid, "--net", "ip"];
  run("nsenter", [...inside, "address", "add", `${link.serverAddress}/${link.prefixBits}`, "dev", name]);
  run("nsenter", [...inside, "link", "set", name, "up"]);
  return true;
}

interface Start {
  readonly name: string;
  readonly id: string;
  readonly writes: string;
  readonly cores: readonly number[];
}

function words({ found, image, root }: Docker, { name, id, writes, cores }: Start): string[] {
  const environment = Object.entries(root.environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  return [
    ...[found, "run", "--rm", "--name", name, "--cidfile", id],
    ...["--network", "none", "--log-driver", "none", "--read-only", "--workdir", "/"],
    ...["--cpuset-cpus", cores.length === 0 ? "<cores>" : cores.join(",")],
    ...(root.writes === undefined ? [] : ["--volume", `${writes}:${root.writes}`]),
    ...environment,
    image,
    ...root.words,
  ];
}
