import type { Architecture, Image, ManifestDevice } from "../../format/image.ts";
import { chooseEngine, type EngineName } from "../../monitor/engine-choice.ts";
import { UsageError } from "../../monitor/error.ts";
import { readImageFile } from "../../monitor/image-file.ts";
import { type Lack, lack, SampleError } from "../lack.ts";
import { kitFile, type Program } from "../program.ts";

/** Each engine's ABI, which upstream's tender for the same images has, too. */
const ABIS = { process: "spt", kvm: "hvt", emulator: "hvt" } as const satisfies Record<EngineName, string>;
/** Of an engine that runs images of one architecture on every host. */
const ARCHITECTURES: Readonly<Partial<Record<EngineName, Architecture>>> = { emulator: "aarch64" };

/** The image of a program that an engine can run. */
export interface Solo5Image {
  /** Path of its file. */
  readonly path: string;
  readonly image: Image;
  /** Its net device, which gets the tap; undefined where it declares none. */
  readonly netDevice: string | undefined;
}

/** Why an engine cannot run a program; undefined where it can. */
export function refuseSolo5(program: Program, engine: EngineName): Lack | undefined {
  const found = findSolo5Image(program, engine);
  return "reason" in found ? found : undefined;
}

/**
 * The image of a program for an engine.
 * @throws SampleError where there is none that it can run.
 */
export function solo5Image(program: Program, engine: EngineName): Solo5Image {
  const found = findSolo5Image(program, engine);
  if ("reason" in found) throw new SampleError(found.reason);
  return found;
}

function findSolo5Image(program: Program, engine: EngineName): Solo5Image | Lack {
  const images = pathsOf(program, engine).flatMap((path) => readFor(path, engine) ?? []);
  const [first] = images;
  if (first === undefined) return lack(`there is no image of the ${ABIS[engine]} ABI of ${program.name}`);
  const { devices } = first.image.manifest;
  const [net, more] = devices.filter(({ type }) => type === "net");
  const block = devices.find(({ type }) => type === "block");
  if (block !== undefined) return lackOfDevice(first.path, block);
  if (more !== undefined) return lackOfDevice(first.path, more);
  if (net === undefined && program.port !== undefined) {
    return lack(`${first.path} declares no net device, by which it could serve`);
  }
  return { ...first, netDevice: net?.name };
}

function lackOfDevice(path: string, { name, type }: ManifestDevice): Lack {
  return lack(`${path} declares the ${type} device '${name}', for which the lab has nothing`);
}

function pathsOf(program: Program, engine: EngineName): readonly string[] {
  if (program.kind === "kit") {
    return [kitFile(program, ABIS[engine], ARCHITECTURES[engine])].filter((path) => path !== undefined);
  }
  return program.kind === "image" ? program.paths : [];
}

/** Undefined for what is no image that this engine runs on this host. */
function readFor(path: string, engine: EngineName): Pick<Solo5Image, "path" | "image"> | undefined {
  try {
    const image = readImageFile(path);
    chooseEngine(image, engine);
    return { path, image };
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
