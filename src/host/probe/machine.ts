import { readFileSync } from "node:fs";
import { availableParallelism, machine, release } from "node:os";
import { type ReadText, readField, readText } from "./text.ts";

/** What the computer is: the part of a host's manifest that no one can mend. */
export interface MachineFacts {
  /** `x86-64`, `aarch64`, or what uname(2) calls another one. */
  readonly architecture: string;
  /** Release of the Linux kernel, e.g. `6.1.0-18-amd64`. */
  readonly kernel: string;
  readonly pageBytes: number;
  readonly processor: string;
  /** The board's name where the firmware's device tree tells it, e.g. `Raspberry Pi 4 Model B Rev 1.4`. */
  readonly board: string | null;
  /** Processors that this process may run on. */
  readonly processorCount: number;
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
}

export function probeMachine(read: ReadText = readText): MachineFacts {
  const memory = read("/proc/meminfo");
  return {
    architecture: nameArchitecture(machine()),
    kernel: release(),
    pageBytes: pageBytesOf(readFileSync("/proc/self/auxv")),
    processor: nameProcessor(read("/proc/cpuinfo")),
    board: read("/proc/device-tree/model")?.replace(/\0.*$/s, "") ?? null,
    processorCount: availableParallelism(),
    memoryBytes: kibibytes(readField(memory, "MemTotal")),
    memoryAvailableBytes: kibibytes(readField(memory, "MemAvailable")),
  };
}

function nameArchitecture(machineName: string): string {
  return machineName === "x86_64" ? "x86-64" : machineName;
}

const AT_PAGESZ = 6n;

/** Page size from the auxiliary vector (getauxval(3)): pairs of 64-bit words, key and value. */
export function pageBytesOf(auxiliaryVector: Buffer): number {
  for (let at = 0; at + 16 <= auxiliaryVector.length; at += 16) {
    if (auxiliaryVector.readBigUInt64LE(at) === AT_PAGESZ) return Number(auxiliaryVector.readBigUInt64LE(at + 8));
  }
  throw new RangeError("/proc/self/auxv has no AT_PAGESZ");
}

/** Bytes from a value such as `24684096 kB`; 0 where there is none. */
export function kibibytes(value: string | undefined): number {
  return 1024 * Number.parseInt(value ?? "0", 10);
}

/** Arm's part numbers by implementer (MIDR_EL1, "Arm CPU part numbers" in each core's reference manual). */
const ARM_CORES: ReadonlyMap<string, string> = new Map([
  ["0x41 0xd03", "Cortex-A53"],
  ["0x41 0xd04", "Cortex-A35"],
  ["0x41 0xd05", "Cortex-A55"],
  ["0x41 0xd07", "Cortex-A57"],
  ["0x41 0xd08", "Cortex-A72"],
  ["0x41 0xd09", "Cortex-A73"],
  ["0x41 0xd0a", "Cortex-A75"],
  ["0x41 0xd0b", "Cortex-A76"],
  ["0x41 0xd0c", "Neoverse N1"],
  ["0x41 0xd40", "Neoverse V1"],
  ["0x41 0xd49", "Neoverse N2"],
  ["0x41 0xd4f", "Neoverse V2"],
]);

/** A processor's name from /proc/cpuinfo: x86 writes it there, Arm only its part numbers. Different cores are joined by `+`. */
export function nameProcessor(cpuinfo: string | undefined): string {
  const model = readField(cpuinfo, "model name");
  if (model !== undefined) return model.replace(/\s+/g, " ");
  const names = new Set<string>();
  for (const block of cpuinfo?.split("\n\n") ?? []) {
    const implementer = readField(block, "CPU implementer");
    const part = readField(block, "CPU part");
    if (implementer === undefined || part === undefined) continue;
    names.add(ARM_CORES.get(`${implementer} ${part}`) ?? `implementer ${implementer} part ${part}`);
  }
  return names.size === 0 ? "unknown" : [...names].join(" + ");
}
