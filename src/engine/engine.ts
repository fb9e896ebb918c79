import type { GuestAddress } from "../memory/address.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import type { Mapping } from "../memory/page-table/mapping.ts";

/** Where a guest's first instruction finds what. */
export interface GuestStart {
  readonly entry: GuestAddress;
  readonly stackPointer: GuestAddress;
  /** The only argument of the entry's function. */
  readonly argument: GuestAddress;
  /** What the guest may do with its memory, in ascending order; elsewhere it faults. */
  readonly mappings: readonly Mapping[];
}

/** Serves a guest's hypercalls. */
export interface HypercallServer {
  /**
   * @param number any, as the guest gave it.
   * @param pointer below 2^32.
   * @returns whether the guest goes on.
   */
  serve(number: number, pointer: number): boolean;
}

/** What a guest did that neither its own handlers nor the ABI take. */
export interface GuestFault {
  /** With its article, e.g. `a page fault`. */
  readonly what: string;
  /** What it touched; undefined where that is not known or does not matter. */
  readonly address?: bigint;
  readonly access?: "read" | "write" | "read or write" | "execute";
  /** Address of the instruction; undefined where the host lost it. */
  readonly pc?: bigint;
}

/** Why a run came to its end. */
export type EngineStop =
  /** The server did not let the guest go on. */
  | { readonly type: "served" }
  /** The time slice is used, or a signal came. */
  | { readonly type: "interrupted" }
  | { readonly type: "fault"; readonly fault: GuestFault }
  /** What `DebugEngine.debug` asked for has happened. */
  | { readonly type: "debug"; readonly hit: DebugHit };

/**
 * A processor's registers by their names, the smaller ones in the low bits.
 * x86-64: rax … r15, rip, rflags, cs, ss, ds, es, fs, gs, fs_base, gs_base, and floating point as GDB names it (st0 …,
 * fctrl …, xmm0 …, mxcsr). AArch64: x0 … x30, sp, pc, pstate, v0 … v31, fpsr, fpcr.
 */
export type Registers = ReadonlyMap<string, bigint>;

/** Where the processor itself looks for an address; of so many bytes, which only data have more than one of. */
export interface HardwareBreak {
  readonly kind: "execute" | "write" | "read" | "access";
  readonly address: bigint;
  readonly bytes: number;
}

/** What ends a run for a debugger's sake. */
export interface DebugControl {
  /** After each instruction. */
  readonly step: boolean;
  /** At the architecture's breakpoint instruction, which the guest's own handlers do not get then. */
  readonly breakpointInstruction: boolean;
  readonly hardware: readonly HardwareBreak[];
}

/** A step or a breakpoint; for a place of data with the break that it is. */
export interface DebugHit {
  readonly watch?: HardwareBreak;
}

/** Runs one guest's instructions. */
export interface Engine {
  readonly memory: GuestMemory;
  /** Of the processor's counter, as the guest reads it. */
  readonly counterHz: number;
  /** Sets the processor to the guest's first instruction. Once; what the guest's memory holds may come until the first run. */
  start(start: GuestStart): void;
  /** Makes instructions that were written to the guest's memory known to its processor. */
  instructionsWritten(address: number, bytes: number): void;
  /**
   * Runs the guest, from where it was, until it stops; its server gets every hypercall in between.
   * @param sliceNs nanoseconds after which it stops at the latest, give or take a hypercall; for ever where it is left out.
   */
  run(server: HypercallServer, sliceNs?: number): EngineStop;
  /** Address of the next instruction; of the last one where its exit is not complete. */
  pc(): bigint;
  /** As the guest's own instruction left them that ended the run. */
  registers(): Registers;
  /** Gives all back; the memory must not be touched afterwards. */
  close(): void;
}

/** What a debugger can ask for on this host. */
export interface DebugLimits {
  /** The architecture's breakpoint instruction; undefined where the host cannot end a run at it. */
  readonly breakpointInstruction: Uint8Array | undefined;
  /** How many hardware breaks there can be at a time: for instructions, for data, and of both together. */
  readonly executeMax: number;
  readonly dataMax: number;
  readonly totalMax: number;
}

/** An engine that lets a debugger in. */
export interface DebugEngine extends Engine {
  readonly debugLimits: DebugLimits;
  /** Finishes what the last exit left undone, so that the registers are those before the next instruction. */
  settle(): void;
  /** Sets those that are given, floating point and segments apart; after `settle`. */
  setRegisters(registers: Registers): void;
  /** Holds until it is called again. @throws {HostError} where the host refuses. */
  debug(control: DebugControl): void;
}

/** A fault as part of a sentence: `a page fault, a write at 0x8, at pc 0x100234`. */
export function describeFault({ what, address, access, pc }: GuestFault): string {
  const touched = address === undefined ? "" : `, ${accessNoun(access)} 0x${address.toString(16)}`;
  const at = pc === undefined ? "" : `, at pc 0x${pc.toString(16)}`;
  return `${what}${touched}${at}`;
}

function accessNoun(access: GuestFault["access"]): string {
  if (access === undefined) return "at address";
  return access === "execute" ? "executing at" : `a ${access} at`;
}
