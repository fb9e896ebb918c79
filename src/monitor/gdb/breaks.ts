import type { DebugControl, DebugEngine, DebugLimits, HardwareBreak } from "../../engine/engine.ts";
import { guestAddress } from "../../memory/address.ts";

/** What of an engine breaks need. */
export type BreakTarget = Pick<DebugEngine, "memory" | "debug" | "instructionsWritten">;

/** What a guest's breakpoint instructions have replaced. */
interface Replaced {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** By the type of a `Z` packet (GDB manual, appendix E.2). */
const KINDS: readonly (HardwareBreak["kind"] | "software" | undefined)[] = [
  "software",
  "execute",
  "write",
  "read",
  "access",
];
const DATA_BYTES: ReadonlySet<number> = new Set([1, 2, 4, 8]);

/** Breakpoints and watchpoints. Their instructions stand in the guest's memory only while it runs. */
export class Breaks {
  readonly #target: BreakTarget;
  readonly #limits: DebugLimits;
  readonly #software = new Set<number>();
  #hardware: readonly HardwareBreak[] = [];
  #replaced: Replaced[] = [];

  constructor(target: BreakTarget, limits: DebugLimits) {
    this.#target = target;
    this.#limits = limits;
  }

  /** @param type of the `Z` packet; all three as the client gave them. @returns whether there is such a break now. */
  add(type: number, address: bigint, bytes: number): boolean {
    const wanted = this.#breakOf(type, address, bytes);
    if (wanted === undefined) return false;
    if (typeof wanted === "number") {
      this.#software.add(wanted);
      return true;
    }
    if (this.#hardware.some((one) => isSame(one, wanted))) return true;
    const hardware = [...this.#hardware, wanted];
    if (!this.#fit(hardware)) return false;
    this.#hardware = hardware;
    return true;
  }

  /** @returns whether it can have been one; one that is not there is gone. */
  remove(type: number, address: bigint, bytes: number): boolean {
    const wanted = this.#breakOf(type, address, bytes);
    if (wanted === undefined) return false;
    if (typeof wanted === "number") this.#software.delete(wanted);
    else this.#hardware = this.#hardware.filter((one) => !isSame(one, wanted));
    return true;
  }

  clear(): void {
    this.#software.clear();
    this.#hardware = [];
  }

  /** What kind of breakpoint there is at an address, in words of GDB's stop replies. */
  at(address: bigint): "swbreak" | "hwbreak" | undefined {
    if (this.#software.has(Number(address))) return "swbreak";
    const isHere = this.#hardware.some((one) => one.kind === "execute" && one.address === address);
    if (!isHere) return undefined;
    // A client that asked for a breakpoint instruction, which this host does not have, waits for news of that.
    return this.#limits.breakpointInstruction === undefined ? "swbreak" : "hwbreak";
  }

  /** Before the guest runs. */
  arm(step: boolean): void {
    const { memory } = this.#target;
    const control: DebugControl = {
      step,
      breakpointInstruction: this.#software.size > 0,
      hardware: this.#hardware,
    };
    this.#target.debug(control);
    const instruction = this.#limits.breakpointInstruction;
    if (instruction === undefined) return;
    for (const address of this.#software) {
      const place = memory.own(guestAddress(address), instruction.length).bytes;
      this.#replaced.push({ address, bytes: place.slice() });
      place.set(instruction);
      this.#target.instructionsWritten(address, instruction.length);
    }
  }

  /** After the guest ran. */
  disarm(): void {
    for (const { address, bytes } of this.#replaced) {
      this.#target.memory.own(guestAddress(address), bytes.length).bytes.set(bytes);
      this.#target.instructionsWritten(address, bytes.length);
    }
    this.#replaced = [];
  }

  /** A number is the address of a breakpoint instruction; undefined is none that there can be. */
  #breakOf(type: number, address: bigint, bytes: number): number | HardwareBreak | undefined {
    const { memory } = this.#target;
    const kind = KINDS[type];
    const at = Number(address);
    if (kind === undefined) return undefined;
    if (kind !== "software" && kind !== "execute") {
      const isPlace = DATA_BYTES.has(bytes) && address % BigInt(bytes) === 0n && memory.range(at, bytes) !== undefined;
      return isPlace ? { kind, address, bytes } : undefined;
    }
    const instruction = this.#limits.breakpointInstruction;
    const isInside = memory.range(at, instruction?.length ?? 1) !== undefined;
    if (!isInside || at % (instruction?.length ?? 1) !== 0) return undefined;
    return kind === "software" && instruction !== undefined ? at : { kind: "execute", address, bytes: 1 };
  }

  #fit(hardware: readonly HardwareBreak[]): boolean {
    const { executeMax, dataMax, totalMax } = this.#limits;
    const executes = hardware.filter(({ kind }) => kind === "execute").length;
    return executes <= executeMax && hardware.length - executes <= dataMax && hardware.length <= totalMax;
  }
}

function isSame(one: HardwareBreak, other: HardwareBreak): boolean {
  return one.kind === other.kind && one.address === other.address && one.bytes === other.bytes;
}
