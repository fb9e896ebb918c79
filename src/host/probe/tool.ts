import { accessSync, constants, existsSync } from "node:fs";
import { asRoot, type Lack } from "./lack.ts";
import { findProgram, runProgram } from "./program.ts";

/** A program that runs containers or machines, or that the lab compares with. */
export interface ToolFacts {
  readonly name: string;
  /** Where it is; null where it is not installed. */
  readonly path: string | null;
  /** As it tells it itself; null where it is not installed or does not tell. */
  readonly version: string | null;
  /** Version of the service behind the program; null where there is none or it does not answer. Only Docker and Xen have one. */
  readonly service: string | null;
  /** Debian's package; null where Debian 12 has none. */
  readonly debianPackage: string | null;
}

interface Tool {
  readonly name: string;
  readonly debianPackage: string | null;
  /** Asks the program for its version; left out where it has no way to tell. */
  readonly versionArgs?: readonly string[];
  /** Asks the service behind the program for its version. */
  readonly serviceArgs?: readonly string[];
}

const TOOLS: readonly Tool[] = [
  { name: "runc", debianPackage: "runc", versionArgs: ["--version"] },
  { name: "crun", debianPackage: "crun", versionArgs: ["--version"] },
  { name: "runsc", debianPackage: "runsc", versionArgs: ["--version"] },
  {
    name: "docker",
    debianPackage: "docker.io",
    versionArgs: ["--version"],
    serviceArgs: ["version", "--format", "{{.Server.Version}}"],
  },
  { name: "podman", debianPackage: "podman", versionArgs: ["--version"] },
  { name: "bwrap", debianPackage: "bubblewrap", versionArgs: ["--version"] },
  { name: "systemd-nspawn", debianPackage: "systemd-container", versionArgs: ["--version"] },
  { name: "qemu-system-x86_64", debianPackage: "qemu-system-x86", versionArgs: ["--version"] },
  { name: "qemu-system-aarch64", debianPackage: "qemu-system-arm", versionArgs: ["--version"] },
  { name: "firecracker", debianPackage: null, versionArgs: ["--version"] },
  { name: "cloud-hypervisor", debianPackage: null, versionArgs: ["--version"] },
  { name: "solo5-spt", debianPackage: null, versionArgs: ["--version"] },
  { name: "solo5-hvt", debianPackage: null, versionArgs: ["--version"] },
  { name: "xl", debianPackage: "xen-utils-common", serviceArgs: ["info", "xen_version"] },
];

const LIMIT_MS = 2000;

/** Which of them are here, each asked for its version at the same time, for two seconds at most. */
export function probeTools(path?: string): Promise<ToolFacts[]> {
  return Promise.all(TOOLS.map((tool) => probeTool(tool, path)));
}

async function probeTool(tool: Tool, searchPath: string | undefined): Promise<ToolFacts> {
  const { name, debianPackage, versionArgs, serviceArgs } = tool;
  const path = findProgram(name, searchPath);
  if (path === undefined) return { name, path: null, version: null, service: null, debianPackage };
  const [version, service] = await Promise.all([
    versionArgs === undefined ? null : askVersion(path, versionArgs),
    serviceArgs === undefined ? null : askVersion(path, serviceArgs),
  ]);
  return { name, path, version, service, debianPackage };
}

async function askVersion(path: string, args: readonly string[]): Promise<string | null> {
  const { status, output } = await runProgram(path, args, LIMIT_MS);
  return status === 0 ? (findVersion(output) ?? null) : null;
}

/** The version in what a program says about itself: the first word that begins with digits, after `v` or `release-` too. */
export function findVersion(output: string): string | undefined {
  return /(?:^|\s)(?:v|release-)?(\d+(?:\.\d+)*[\w.+~-]*)/m.exec(output)?.[1]?.replace(/\.$/, "");
}

/** A service that does not answer its program, and the programs that are not installed. */
export function toolLacks(tools: readonly ToolFacts[]): Lack[] {
  const absent = tools.filter((tool) => tool.path === null);
  const lacks: Lack[] = [];
  if (tools.some(({ name, path, service }) => name === "docker" && path !== null && service === null)) {
    lacks.push({ subject: "docker", reason: "its engine does not answer", mend: mendDocker() });
  }
  if (absent.length === 0) return lacks;
  const packages = absent.flatMap(({ debianPackage }) => debianPackage ?? []);
  const mend = packages.length === 0 ? [] : [asRoot(`apt-get install ${packages.join(" ")}`)];
  return [...lacks, { subject: "tools", reason: `not installed: ${absent.map(({ name }) => name).join(", ")}`, mend }];
}

const DOCKER_SOCKET = "/run/docker.sock";

function mendDocker(): string[] {
  if (existsSync(DOCKER_SOCKET) && !isWritable(DOCKER_SOCKET))
    return [asRoot("usermod -aG docker $USER"), "newgrp docker"];
  return [asRoot(findProgram("dockerd") === undefined ? "apt-get install docker.io" : "systemctl start docker")];
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
