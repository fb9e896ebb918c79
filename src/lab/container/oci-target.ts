import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { lack } from "../lack.ts";
import type { Link, NetworkPath } from "../network.ts";
import type { Program } from "../program.ts";
import type { Available, Launcher, Security, StartOptions, Unavailable } from "../target/target.ts";
import type { Workbench } from "../workbench.ts";
import { removeControlGroup } from "./control-group.ts";
import { type OciStart, ociConfig } from "./oci-config.ts";
import { makeRootFolder, type RootFolder, refuseInContainer } from "./root-folder.ts";
import { makeStartFolder } from "./start-folder.ts";
import { TRIAL, tryLauncher } from "./trial.ts";

/** A runtime that runs a bundle by `RUNTIME --root FOLDER run --bundle FOLDER NAME` (OCI runtime command line). */
export interface OciRuntime {
  /** The program's name, e.g. `runc`. */
  readonly program: string;
  readonly debianPackage: string;
  /** The version in the output of `--version`, e.g. `1.1.5`. */
  readonly version: RegExp;
  /** Words before the program's own, e.g. those of a wrapper; the first is an absolute path. */
  readonly wrapper: (path: NetworkPath | undefined) => readonly string[];
  /** Words after the program's name, e.g. `--platform=ptrace`. */
  readonly options: (path: NetworkPath | undefined) => readonly string[];
  /** The container's network on a link. */
  readonly network: (link: Link) => OciStart["network"];
  readonly security: (instance: Instance) => Security;
  readonly warning?: string;
}

const VERSION_LIMIT_MS = 2_000;
const DELETE_LIMIT_MS = 5_000;

/** Whether the runtime is there and runs a container; the target that it makes. */
export async function probeOci(runtime: OciRuntime, bench: Workbench): Promise<Available | Unavailable> {
  const { program, debianPackage } = runtime;
  const found = findProgram(program);
  if (found === undefined) return unavailable(`${program} is not installed`, `apt-get install ${debianPackage}`);
  if (process.getuid?.() !== 0) return unavailable(`${program} makes containers for root only`, "run it as root");
  const { output } = await runProgram(found, ["--version"], VERSION_LIMIT_MS);
  const version = runtime.version.exec(output)?.[1];
  if (version === undefined) return unavailable(`${found} --version says: ${firstLine(output)}`, undefined);
  const launcher = prepareOci(runtime, found, { program: TRIAL, path: undefined }, bench);
  const failure = await tryLauncher(program, launcher, bench);
  if (failure !== undefined) return unavailable(failure, undefined);
  return {
    available: true,
    version: `${program} ${version}`,
    found,
    paths: bench.network === undefined ? [] : ["veth"],
    refuse: refuseInContainer,
    prepare: async (workload, path, workbench) => prepareOci(runtime, found, { program: workload, path }, workbench),
    security: async (instance) => runtime.security(instance),
    ...(runtime.warning === undefined ? {} : { warning: runtime.warning }),
  };
}

function unavailable(reason: string, mend: string | undefined): Unavailable {
  return { available: false, ...lack(reason, mend) };
}

function firstLine(output: string): string {
  return output.trim().split("\n")[0] ?? "";
}

interface Workload {
  readonly program: Program;
  readonly path: NetworkPath | undefined;
}

function prepareOci(runtime: OciRuntime, found: string, { program, path }: Workload, bench: Workbench): Launcher {
  const folder = bench.folder(runtime.program);
  const root = makeRootFolder(program, join(folder, "root"));
  const before = [...runtime.wrapper(path), found, ...runtime.options(path), "--root", join(folder, "state")];
  return {
    commandLine: [...before, "run", "--bundle", "<bundle>", "<name>"],
    imageBytes: root.sizeBytes,
    start: async (options) => startOci(runtime, before, root, options, bench),
    close: async () => {},
  };
}

function startOci(
  runtime: OciRuntime,
  before: readonly string[],
  root: RootFolder,
  { cores, link }: StartOptions,
  bench: Workbench,
): Instance {
  const bundle = makeStartFolder(bench, `${runtime.program}-bundle`);
  const network = link === undefined ? "none" : runtime.network(link);
  const name = `skiff-${process.pid}-${basename(bundle.path)}`;
  const config = ociConfig({ root, controlGroup: name, cores, writes: bundle.writes, network });
  writeFileSync(join(bundle.path, "config.json"), JSON.stringify(config));
  const remove = [...before, "delete", "--force", name];
  const guard = bench.guard(remove);
  const cleanUp = async () => {
    const [path = "", ...args] = remove;
    await runProgram(path, args, DELETE_LIMIT_MS);
    await removeControlGroup(name);
    bundle.remove();
    guard.release();
  };
  const [path = "", ...args] = [...before, "run", "--bundle", bundle.path, name];
  // runc looks for helpers on PATH.
  const { PATH = "/usr/sbin:/usr/bin:/sbin:/bin" } = process.env;
  const launch = () => launchInstance({ path, args, environment: { PATH }, cores, cleanUp }, bench);
  return link === undefined ? launch() : link.namespace.inside(launch);
}
