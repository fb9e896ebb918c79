/** Runs a program of cases on QEMU's virt board and in the emulator. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GUEST_ADDRESS } from "../../../src/engine/emulator/layout.ts";
import { Processor, type ProcessorOptions } from "../../../src/engine/emulator/processor/processor.ts";
import { AREA, ENTRY_ADDRESS, type Outcome, outcomesOf, type Program, PSTATE, RESULTS } from "./program.ts";

const QEMU_TIMEOUT_MS = 60_000;
const TURN_BRANCHES = 1000;
const TURNS_MAX = 50_000;
const COUNTER_HZ = 62_500_000;
/** The board has a model of its flash and devices below its memory; the emulator has memory there. */
const BOARD = [
  "-machine",
  "virt",
  "-cpu",
  "cortex-a57",
  "-accel",
  "tcg",
  "-m",
  "32M",
  "-display",
  "none",
  "-nodefaults",
];

interface Tier {
  readonly tier: string;
  readonly options: ProcessorOptions;
  /** Of the random cases: those that run once are slow to translate. */
  readonly share: number;
}

/** How the emulator may run a program: each instruction by itself, or regions of them. */
export const TIERS: readonly Tier[] = [
  { tier: "interpreter", options: { translation: "none" }, share: 1 },
  { tier: "translator", options: { translation: "all" }, share: 0.25 },
];

export function runOnQemu({ segments }: Program, folder: string): readonly Outcome[] {
  const output = join(folder, RESULTS.fileName);
  rmSync(output, { force: true });
  const memory = new Uint8Array(AREA.end - AREA.code);
  for (const { address, bytes } of segments) memory.set(bytes, address - AREA.code);
  const image = join(folder, "image");
  writeFileSync(image, memory);
  const { status, signal, stderr } = spawnSync(
    "qemu-system-aarch64",
    [
      ...BOARD,
      ...["-semihosting-config", "enable=on,target=native"],
      ...["-device", `loader,file=${image},addr=0x${AREA.code.toString(16)},force-raw=on`],
      ...["-device", `loader,addr=0x${ENTRY_ADDRESS.toString(16)},cpu-num=0`],
    ],
    { cwd: folder, timeout: QEMU_TIMEOUT_MS, encoding: "utf8" },
  );
  if (status !== 0 || !existsSync(output))
    throw new Error(`qemu-system-aarch64 ended with ${signal ?? status}: ${stderr}`);
  return outcomesOf(readFileSync(output));
}

export function runInEmulator({ segments, caseCount }: Program, options?: ProcessorOptions): readonly Outcome[] {
  const bus = { load: () => undefined, store: () => undefined };
  const processor = new Processor(AREA.end, bus, COUNTER_HZ, () => performance.now() * 1e6, options);
  const { bytes, view } = processor.memory;
  for (const segment of segments) bytes.set(segment.bytes, GUEST_ADDRESS + segment.address);
  view.setUint32(GUEST_ADDRESS + RESULTS.isEmulator, 1, true);
  processor.pstate = PSTATE.el1;
  processor.pc = BigInt(ENTRY_ADDRESS);
  for (let turn = 0; view.getUint32(GUEST_ADDRESS + RESULTS.isDone, true) === 0; turn++) {
    if (turn === TURNS_MAX) throw new Error(`the cases do not end; at 0x${processor.pc.toString(16)}`);
    processor.run(TURN_BRANCHES);
  }
  const start = GUEST_ADDRESS + RESULTS.records;
  return outcomesOf(bytes.slice(start, start + caseCount * RESULTS.recordBytes));
}

/** PAR_EL1 (D17.2.119): NS is unknown in the non-secure state; SH of memory that is not cached is always outer. */
const PAR = { fault: 1n, nonSecure: 1n << 9n, shareability: 3n << 7n, outer: 2n << 7n, attributesShift: 56n } as const;
const CACHED = 0xffn;

/** What the manual leaves no choice in, and QEMU 7.2 tells of every memory as of cached. */
function comparablePar(par: bigint): bigint {
  if ((par & PAR.fault) !== 0n) return par;
  const isCached = par >> PAR.attributesShift === CACHED;
  return (isCached ? par : (par & ~PAR.shareability) | PAR.outer) | PAR.nonSecure;
}

/** Where the two differ: one line a difference. */
export function differences(
  names: readonly string[],
  ours: readonly Outcome[],
  theirs: readonly Outcome[],
): readonly string[] {
  return names.flatMap((name, index) => {
    const [mine, reference] = [ours[index], theirs[index]];
    if (mine === undefined || reference === undefined) return [`${name}: no outcome`];
    const told = (outcome: Outcome, field: keyof Outcome) =>
      field === "par" ? comparablePar(outcome.par) : outcome[field];
    return (Object.keys(mine) as (keyof Outcome)[])
      .filter((field) => told(mine, field) !== told(reference, field))
      .map((field) => `${name}: ${field} is ${mine[field].toString(16)}, in QEMU ${reference[field].toString(16)}`);
  });
}
