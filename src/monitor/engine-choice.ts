import { HVT_ABI_VERSION } from "../abi/hvt.ts";
import { SPT_ABI_VERSION } from "../abi/spt.ts";
import type { Abi, Architecture, Image } from "../format/image.ts";
import { UsageError } from "./error.ts";

export type EngineName = "process" | "kvm";

/** What a user may ask for. */
export const ENGINE_WORDS = ["auto", "process", "kvm"] as const;
export type EngineWord = (typeof ENGINE_WORDS)[number];

/** An engine with the reason why it was chosen. */
export interface EngineChoice {
  readonly engine: EngineName;
  readonly reason: string;
}

/** Each runs images of its own architecture. */
const ENGINES: Readonly<Record<EngineName, { readonly abi: Abi; readonly abiVersion: number; readonly how: string }>> =
  {
    process: { abi: "spt", abiVersion: SPT_ABI_VERSION, how: "runs as a process of its own" },
    kvm: { abi: "hvt", abiVersion: HVT_ABI_VERSION, how: "runs in a virtual machine of its own" },
  };
const ENGINE_NAMES = ["process", "kvm"] as const;

/** The architecture of this host; throws `UsageError` on any but the two that Skiff knows. */
export function hostArchitecture(): Architecture {
  if (process.arch === "x64") return "x86-64";
  if (process.arch === "arm64") return "aarch64";
  throw new UsageError(`this host is ${process.arch}; Skiff runs on x86-64 and 64-bit Arm`);
}

/** The engine for the image's ABI, on whatever host; throws `UsageError` where no engine of this Skiff has it. */
export function requireEngine({ abi, abiVersion }: Image): EngineName {
  const engine = ENGINE_NAMES.find((name) => ENGINES[name].abi === abi);
  if (engine === undefined) {
    throw new UsageError(
      `the image is for Solo5's ${abi} ABI, which no engine of this Skiff runs; link it for spt or hvt`,
    );
  }
  const version = ENGINES[engine].abiVersion;
  if (abiVersion !== version) {
    throw new UsageError(
      `the image wants version ${abiVersion} of the ${abi} ABI, Skiff has version ${version}; link it with a matching Solo5`,
    );
  }
  return engine;
}

/** Chooses the engine that can run the image on this host: the image's ABI and architecture decide. */
export function chooseEngine(image: Image, asked: EngineWord = "auto"): EngineChoice {
  const engine = requireEngine(image);
  const { abi, architecture } = image;
  if (asked !== "auto" && asked !== engine) {
    const wanted = ENGINES[asked].abi;
    throw new UsageError(
      `--engine ${asked}: it runs images of the ${wanted} ABI, this one is for ${abi}; leave the option out, or link the image for ${wanted}`,
    );
  }
  const host = hostArchitecture();
  if (architecture !== host) {
    throw new UsageError(
      `the image is for ${architecture}, this host is ${host}; take the image that was built for ${host}`,
    );
  }
  return { engine, reason: `an image of the ${abi} ABI for ${architecture} ${ENGINES[engine].how}` };
}
