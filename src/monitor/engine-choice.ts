import { SPT_ABI_VERSION } from "../abi/spt.ts";
import type { Abi, Architecture, Image } from "../format/image.ts";
import { UsageError } from "./error.ts";

export type EngineName = "process";

/** An engine with the reason why it was chosen. */
export interface EngineChoice {
  readonly engine: EngineName;
  readonly reason: string;
}

/** The engine that has an ABI, and the version of it. */
const ENGINE_BY_ABI: ReadonlyMap<Abi, { readonly engine: EngineName; readonly version: number }> = new Map([
  ["spt", { engine: "process", version: SPT_ABI_VERSION }],
]);

/** The architecture of this host; throws `UsageError` on any but the two that Skiff knows. */
export function hostArchitecture(): Architecture {
  if (process.arch === "x64") return "x86-64";
  if (process.arch === "arm64") return "aarch64";
  throw new UsageError(`this host is ${process.arch}; Skiff runs on x86-64 and 64-bit Arm`);
}

/** The engine for the image's ABI, on whatever host; throws `UsageError` where no engine of this Skiff has it. */
export function requireEngine({ abi, abiVersion }: Image): EngineName {
  const found = ENGINE_BY_ABI.get(abi);
  if (found === undefined) {
    throw new UsageError(`the image is for Solo5's ${abi} ABI, which no engine of this Skiff runs; link it for spt`);
  }
  const { engine, version } = found;
  if (abiVersion !== version) {
    throw new UsageError(
      `the image wants version ${abiVersion} of the ${abi} ABI, Skiff has version ${version}; link it with a matching Solo5`,
    );
  }
  return engine;
}

/** Chooses the engine that can run the image on this host: the image's ABI and architecture decide. */
export function chooseEngine(image: Image): EngineChoice {
  const engine = requireEngine(image);
  const { abi, architecture } = image;
  const host = hostArchitecture();
  if (architecture !== host) {
    throw new UsageError(
      `the image is for ${architecture}, this host is ${host}; take the image that was built for ${host}`,
    );
  }
  return { engine, reason: `an image of the ${abi} ABI for ${architecture} runs as a process of its own` };
}
