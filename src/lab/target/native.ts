import { mkdirSync, rmSync, statSync } from "node:fs";
import { release } from "node:os";
import { launchInstance } from "../instance/launch-instance.ts";
import { type Lack, lack, SampleError } from "../lack.ts";
import type { Link, NetworkPath } from "../network.ts";
import { type KitForm, kitFile, type Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { processSecurity } from "./process-security.ts";
import { type Available, type Launcher, NO_NETWORK, type StartOptions, type Target } from "./target.ts";

/** The baseline: the program as a Linux process like any other. */
export const NATIVE: Target = {
  name: "native",
  title: "native",
  probe: async () => nativeOver("loopback"),
};

/** Its sockets in a namespace of their own, on the path that containers have: the baseline of whatever serves. */
export const NATIVE_VETH: Target = {
  name: "native-veth",
  title: "native behind a veth",
  probe: async ({ network }) => (network === undefined ? { available: false, ...NO_NETWORK } : nativeOver("veth")),
};

/** The kit's own network stack in a Linux process, on the path of a unikernel: what the sandbox costs without the stack. */
export const NATIVE_TAP: Target = {
  name: "native-tap",
  title: "native, the kit's stack on a tap",
  probe: async ({ network }) => (network === undefined ? { available: false, ...NO_NETWORK } : nativeOver("tap")),
};

function nativeOver(own: NetworkPath): Available {
  const form: KitForm = own === "tap" ? "linux-tap" : "linux";
  return {
    available: true,
    version: `Linux ${release()}`,
    found: "this host",
    paths: [own],
    ...(own === "loopback" ? {} : { networkOnly: true }),
    refuse: (program) => refuse(program, form),
    prepare: async (program, path, bench) => launcher(program, path, form, bench),
    security: async (instance) => processSecurity(instance),
  };
}

function refuse(program: Program, form: KitForm): Lack | undefined {
  if (program.kind === "image") return lack("an image is not a Linux program");
  if (program.kind === "host") {
    return form === "linux-tap" ? lack(`${program.name} has no network stack of its own`) : undefined;
  }
  return kitFile(program, form) === undefined ? lack(`the kit has no such build of ${program.name}`) : undefined;
}

function launcher(program: Program, path: NetworkPath | undefined, form: KitForm, bench: Workbench): Launcher {
  const file = fileOf(program, form);
  if (file === undefined) throw new SampleError(`there is no Linux build of ${program.name}`);
  const start = async ({ cores, link }: StartOptions) => {
    if (program.kind === "host" && program.writes !== undefined) {
      rmSync(program.writes, { recursive: true, force: true });
      mkdirSync(program.writes, { recursive: true });
    }
    const descriptors = link?.path === "tap" ? [link.descriptor] : [];
    const environment = program.kind === "host" ? (program.environment ?? {}) : {};
    const launch = () =>
      launchInstance({ path: file, args: words(program, form, link), environment, descriptors, cores }, bench);
    return link === undefined ? launch() : link.namespace.inside(launch);
  };
  const commandLine = [file, ...words(program, form, path === "tap" ? "placeholder" : undefined)];
  return { commandLine, imageBytes: statSync(file).size, start, close: async () => {} };
}

function fileOf(program: Program, form: KitForm): string | undefined {
  if (program.kind === "kit") return kitFile(program, form);
  return program.kind === "host" ? program.path : undefined;
}

/** The kit's stack gets the tap as descriptor 3, and its address. */
function words(program: Program, form: KitForm, link: Link | "placeholder" | undefined): string[] {
  if (program.kind !== "kit") return [...program.args];
  const memory = `--mem=${program.memoryMib}`;
  if (form !== "linux-tap") return [memory, ...program.args];
  const address =
    link === undefined || link === "placeholder" ? "<address>" : `${link.serverAddress}/${link.prefixBits}`;
  return ["--net:service=@3", memory, `--ipv4=${address}`, ...program.args];
}
