import { closeSync, openSync } from "node:fs";
import { HVT_ABI_VERSION } from "../abi/hvt.ts";
import { SPT_ABI_VERSION } from "../abi/spt.ts";
import type { Abi, Architecture, Image } from "../format/image.ts";
import { UsageError } from "./error.ts";

export type EngineName = "process" | "kvm" | "emulator";

/** What a user may ask for. */
export const ENGINE_WORDS = ["auto", "process", "kvm", "emulator"] as const;
export type EngineWord = (typeof ENGINE_WORDS)[number];

/** An engine with the reason why it was chosen. */
export interface EngineChoice {
  readonly engine: EngineName;
  readonly reason: string;
}

/** An engine that can run an image, on hosts of an architecture. */
export interface EngineOnHost {
  readonly engine: EngineName;
  readonly host: Architecture;
}

/** What the choice asks of this host. */
export interface EngineHost {
  /** Node's word for its architecture. */
  readonly nodeArchitecture: string;
  /** Why this process cannot have KVM; undefined where it opens. */
  readonly kvmLack: () => string | undefined;
  /** Why this process cannot have the emulator; undefined where it can. */
  readonly emulatorLack: () => string | undefined;
}

interface EngineFacts {
  readonly abi: Abi;
  readonly how: string;
  /** The one architecture whose images it runs, on any host; others run images of the host's. */
  readonly emulates?: Architecture;
}

/** Lightest first. */
const ENGINE_NAMES = ["process", "kvm", "emulator"] as const;
const ENGINES: Readonly<Record<EngineName, EngineFacts>> = {
  process: { abi: "spt", how: "runs as a process of its own" },
  kvm: { abi: "hvt", how: "runs in a virtual machine of its own" },
  emulator: { abi: "hvt", how: "runs in the emulator", emulates: "aarch64" },
};
const ABI_VERSIONS: Readonly<Partial<Record<Abi, number>>> = { spt: SPT_ABI_VERSION, hvt: HVT_ABI_VERSION };
const ARCHITECTURES = ["x86-64", "aarch64"] as const;
const BY_NODE: Readonly<Record<string, Architecture>> = { x64: "x86-64", arm64: "aarch64" };
const KVM_DEVICE = "/dev/kvm";

const THIS_HOST: EngineHost = { nodeArchitecture: process.arch, kvmLack, emulatorLack };

/** The architecture of this host; throws `UsageError` on any but the two that Skiff knows. */
export function hostArchitecture(nodeArchitecture: string = process.arch): Architecture {
  const architecture = BY_NODE[nodeArchitecture];
  if (architecture !== undefined) return architecture;
  throw new UsageError(`this host is ${nodeArchitecture}; Skiff runs on x86-64 and 64-bit Arm`);
}

/**
 * The engines that can run an image, the lightest first, each on hosts of which architecture.
 * @throws {UsageError} where this Skiff has none.
 */
export function enginesOf(image: Image): readonly EngineOnHost[] {
  requireAbi(image);
  return ENGINE_NAMES.filter((name) => ENGINES[name].abi === image.abi).flatMap((engine) => {
    const { emulates } = ENGINES[engine];
    if (emulates === undefined) return [{ engine, host: image.architecture }];
    return emulates === image.architecture ? ARCHITECTURES.map((host) => ({ engine, host })) : [];
  });
}

/** @throws {UsageError} where no engine of this Skiff has the image's ABI. */
export function requireAbi({ abi, abiVersion }: Image): void {
  const version = ABI_VERSIONS[abi];
  if (version === undefined) {
    throw new UsageError(
      `the image is for Solo5's ${abi} ABI, which no engine of this Skiff runs; link it for spt or hvt`,
    );
  }
  if (abiVersion !== version) {
    throw new UsageError(
      `the image wants version ${abiVersion} of the ${abi} ABI, Skiff has version ${version}; link it with a matching Solo5`,
    );
  }
}

/**
 * Chooses the engine that can run the image on this host: the image's ABI and architecture decide, and where KVM and the
 * emulator both could, whether there is a KVM.
 * @throws {UsageError} where none can, or not the one that was asked for.
 */
export function chooseEngine(image: Image, asked: EngineWord = "auto", host: EngineHost = THIS_HOST): EngineChoice {
  requireAbi(image);
  const choice =
    asked === "auto"
      ? chooseLightest(image, host)
      : { engine: requireAble(asked, image, host), reason: reasonOf(asked, image) };
  const lack = choice.engine === "emulator" ? host.emulatorLack() : undefined;
  if (lack !== undefined) throw new UsageError(`${reasonOf("emulator", image)}, and ${lack}`);
  return choice;
}

/** @throws {UsageError} where none can. */
function chooseLightest(image: Image, host: EngineHost): EngineChoice {
  const able = enginesOf(image);
  const here = BY_NODE[host.nodeArchitecture];
  const native = able.find(({ engine, host }) => ENGINES[engine].emulates === undefined && host === here)?.engine;
  const canEmulate = able.some(({ engine }) => engine === "emulator");
  if (native === undefined) {
    if (!canEmulate) throw otherArchitecture(image, host);
    return {
      engine: "emulator",
      reason: `${reasonOf("emulator", image)}: this host is ${here ?? host.nodeArchitecture}`,
    };
  }
  const lack = native === "kvm" && canEmulate ? host.kvmLack() : undefined;
  if (lack === undefined) return { engine: native, reason: reasonOf(native, image) };
  return { engine: "emulator", reason: `${reasonOf("emulator", image)}: ${lack}` };
}

function reasonOf(engine: EngineName, { abi, architecture }: Image): string {
  return `an image of the ${abi} ABI for ${architecture} ${ENGINES[engine].how}`;
}

function requireAble(asked: EngineName, image: Image, host: EngineHost): EngineName {
  const { abi, emulates } = ENGINES[asked];
  if (image.abi !== abi) {
    throw new UsageError(
      `--engine ${asked}: it runs images of the ${abi} ABI, this one is for ${image.abi}; ${orNoOption(`link the image for ${abi}`, image, host)}`,
    );
  }
  if (emulates !== undefined && image.architecture !== emulates) {
    throw new UsageError(
      `--engine ${asked}: it runs images for ${emulates}, this one is for ${image.architecture}; ${orNoOption(`take the image that was built for ${emulates}`, image, host)}`,
    );
  }
  if (emulates === undefined && image.architecture !== hostArchitecture(host.nodeArchitecture)) {
    throw otherArchitecture(image, host);
  }
  return asked;
}

/** A mend, and before it that the option may be left out, where that is one. */
function orNoOption(mend: string, image: Image, host: EngineHost): string {
  try {
    chooseLightest(image, host);
    return `leave the option out, or ${mend}`;
  } catch (error) {
    if (error instanceof UsageError) return mend;
    throw error;
  }
}

function otherArchitecture(image: Image, { nodeArchitecture }: EngineHost): UsageError {
  const host = hostArchitecture(nodeArchitecture);
  const { emulates, abi } = ENGINES.emulator;
  const mends = [
    ...(image.architecture === emulates && image.abi === abi ? ["--engine emulator"] : []),
    `the image that was built for ${host}`,
    ...(image.architecture === emulates && image.abi !== abi ? [`link it for ${abi}, which the emulator runs`] : []),
  ];
  return new UsageError(`the image is for ${image.architecture}, this host is ${host}; take ${mends.join(", or ")}`);
}

/** Cheap: whether a guest can be made is known when one is. */
function kvmLack(): string | undefined {
  try {
    closeSync(openSync(KVM_DEVICE, "r+"));
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const denied = code === "EACCES" || code === "EPERM";
    return denied ? `this user may not open ${KVM_DEVICE}` : `this host has no ${KVM_DEVICE} that works`;
  }
}

/** It needs nothing of the host's but what a Node with WebAssembly has. */
export function emulatorLack(): string | undefined {
  return "WebAssembly" in globalThis ? undefined : "this Node has no WebAssembly: start it without --jitless";
}
