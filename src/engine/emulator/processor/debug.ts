/** Debug exceptions that EL1 makes for EL0 and itself: single steps, breakpoints and watchpoints (Arm ARM, D2). */
import type { SystemRegister } from "../instruction/system-register.ts";
import type { Level, ProcessorState } from "./state.ts";
import { EXCEPTION_CLASS, ISS_WRITE, type Trap } from "./syndrome.ts";
import type { DataKind } from "./translation-cache.ts";

/** MDSCR_EL1 (D17.3.20): single steps, debug exceptions at EL1, breakpoints and watchpoints. */
const MDSCR = { steps: 1n << 0n, atEl1: 1n << 13n, monitors: 1n << 15n } as const;
/** OSLSR_EL1 and OSDLR_EL1: there is no debug exception while a lock is held. */
const LOCKED = 1n << 1n;
const DOUBLY_LOCKED = 1n << 0n;
const DEBUG_MASKED = 1n << 9n;
/** Common to DBGBCR<n>_EL1 and DBGWCR<n>_EL1. */
const CONTROL = {
  enabled: 1n,
  privilegeShift: 1n,
  securityShift: 14n,
  linkedShift: 16n,
  linked: 0xfn,
} as const;
/** Of those: both states, or the non-secure one, which is the only one. */
const SECURITIES: ReadonlySet<bigint> = new Set([0n, 1n]);
const TYPE = { shift: 20n, mask: 0xfn, address: 0n, linkedAddress: 1n, context: 2n, linkedContext: 3n } as const;
/** Of the two breakpoints, the highest also compares CONTEXTIDR_EL1. */
const BREAKPOINTS = [
  { value: "dbgbvr0_el1", control: "dbgbcr0_el1" },
  { value: "dbgbvr1_el1", control: "dbgbcr1_el1" },
] as const satisfies readonly Monitor[];
const CONTEXT_BREAKPOINT = 1n;
const WATCHPOINTS = [
  { value: "dbgwvr0_el1", control: "dbgwcr0_el1" },
  { value: "dbgwvr1_el1", control: "dbgwcr1_el1" },
] as const satisfies readonly Monitor[];
const WATCH = { kindsShift: 3n, bytesShift: 5n, maskShift: 24n, load: 1n, store: 2n, isLinked: 1n << 20n } as const;
const WATCHED_BYTES = 8;
const ADDRESS_BITS = 49;
/** Fault status of debug exceptions, and what a step tells beside. */
const STATUS = 0x22;
const ISS_STEP = { known: 1 << 24, exclusive: 1 << 6 } as const;
/** LDXR and its kin (C4.1.94, "Load/store exclusive"). */
const EXCLUSIVE = { mask: 0x3fc0_0000, value: 0x0840_0000 } as const;

interface Monitor {
  readonly value: SystemRegister;
  readonly control: SystemRegister;
}

/** The registers that decide; after a write to one of them, `DebugMonitor.update` is due. */
export const DEBUGGING: ReadonlySet<SystemRegister> = new Set([
  "mdscr_el1",
  "oslar_el1",
  "osdlr_el1",
  ...BREAKPOINTS.map(({ control }) => control),
  ...WATCHPOINTS.map(({ control }) => control),
]);

export interface WatchedAccess {
  readonly virtual: bigint;
  readonly bytes: number;
  readonly kind: DataKind;
  /** It is a store that reads before, as atomic instructions do. */
  readonly readsFirst: boolean;
  /** With whose rights. */
  readonly level: Level;
}

export class DebugMonitor {
  readonly #state: ProcessorState;
  /** What the last step was of, and which exceptions had been taken then. */
  #stepped: { readonly isExclusive: boolean; readonly exceptionCount: number } | undefined;
  /** There is something to look after, at exception levels that let it. */
  #isOn = false;
  /** By exception level: accesses with its rights are looked at one by one. */
  #watches: readonly [boolean, boolean] = [false, false];

  constructor(state: ProcessorState) {
    this.#state = state;
  }

  /** Whether instructions must be looked at one by one. */
  get isActive(): boolean {
    return this.#isOn && this.#isEnabledAt(this.#state.level);
  }

  /** Whether accesses with the rights of an exception level must be looked at one by one, now or once PSTATE lets them. */
  watches(level: Level): boolean {
    return this.#watches[level];
  }

  /** Takes over what was written to the registers. @returns whether other accesses are watched than before. */
  update(): boolean {
    const { registers } = this.#state;
    const mdscr = registers.get("mdscr_el1");
    const monitors = !this.#isLocked() && (mdscr & MDSCR.monitors) !== 0n;
    const watchesData = monitors && this.#hasEnabled(WATCHPOINTS);
    const steps = !this.#isLocked() && (mdscr & MDSCR.steps) !== 0n;
    this.#isOn = steps || watchesData || (monitors && this.#hasEnabled(BREAKPOINTS));
    const before = this.#watches;
    this.#watches = [watchesData, watchesData && (mdscr & MDSCR.atEl1) !== 0n];
    return before.some((watched, level) => watched !== this.#watches[level]);
  }

  #isLocked(): boolean {
    const { registers } = this.#state;
    return (registers.get("oslsr_el1") & LOCKED) !== 0n || (registers.get("osdlr_el1") & DOUBLY_LOCKED) !== 0n;
  }

  #hasEnabled(monitors: readonly Monitor[]): boolean {
    return monitors.some(({ control }) => (this.#state.registers.get(control) & CONTROL.enabled) !== 0n);
  }

  /** "AArch64.GenerateDebugExceptionsFrom". */
  #isEnabledAt(level: Level, masks = this.#state.masks): boolean {
    if (this.#isLocked()) return false;
    const { registers } = this.#state;
    return level === 0 || ((registers.get("mdscr_el1") & MDSCR.atEl1) !== 0n && (masks & DEBUG_MASKED) === 0n);
  }

  /** PSTATE.SS as ERET makes it ("DebugExceptionReturnSS"); called before PSTATE changes. @param level that is returned to. */
  stepsAfterReturn(saved: bigint, level: Level): boolean {
    if ((this.#state.registers.get("mdscr_el1") & MDSCR.steps) === 0n) return false;
    const begins = !this.#isEnabledAt(this.#state.level) && this.#isEnabledAt(level, saved);
    return begins && (saved & (1n << 21n)) !== 0n;
  }

  /** What comes before an instruction is fetched: the end of a step. */
  beforeFetch(): Trap | undefined {
    const state = this.#state;
    const stepped = this.#stepped?.exceptionCount === state.exceptionCount ? this.#stepped : undefined;
    this.#stepped = undefined;
    const isPending = (state.registers.get("mdscr_el1") & MDSCR.steps) !== 0n && !state.singleStep;
    if (!isPending || !this.#isEnabledAt(state.level)) return undefined;
    const told = stepped === undefined ? 0 : ISS_STEP.known | (stepped.isExclusive ? ISS_STEP.exclusive : 0);
    return { exceptionClass: this.#classOf("softwareStep"), iss: STATUS | told };
  }

  /** An instruction that is stepped was done without an exception. */
  advance(word: number): void {
    const state = this.#state;
    if ((state.registers.get("mdscr_el1") & MDSCR.steps) === 0n) return;
    state.singleStep = false;
    const isExclusive = (word & EXCLUSIVE.mask) >>> 0 === EXCLUSIVE.value;
    this.#stepped = { isExclusive, exceptionCount: state.exceptionCount };
  }

  /** A breakpoint at the instruction at `pc`. */
  atInstruction(): Trap | undefined {
    const state = this.#state;
    if ((state.registers.get("mdscr_el1") & MDSCR.monitors) === 0n || !this.#isEnabledAt(state.level)) return undefined;
    if (!BREAKPOINTS.some((_, index) => this.#breaks(BigInt(index)))) return undefined;
    return { exceptionClass: this.#classOf("breakpoint"), iss: STATUS };
  }

  #breaks(index: bigint): boolean {
    const monitor = BREAKPOINTS[Number(index)];
    if (monitor === undefined || !this.#applies(monitor, this.#state.level)) return false;
    const { registers } = this.#state;
    const control = registers.get(monitor.control);
    switch ((control >> TYPE.shift) & TYPE.mask) {
      case TYPE.address:
        return this.#isAt(registers.get(monitor.value));
      case TYPE.linkedAddress:
        return this.#isAt(registers.get(monitor.value)) && this.#isLinked(control);
      case TYPE.context:
        return index === CONTEXT_BREAKPOINT && this.#isContext(monitor);
      default:
        return false;
    }
  }

  #isAt(value: bigint): boolean {
    return BigInt.asIntN(ADDRESS_BITS, value) === BigInt.asIntN(64, this.#state.pc);
  }

  #isContext({ value }: Monitor): boolean {
    const { registers } = this.#state;
    return BigInt.asUintN(32, registers.get(value)) === registers.get("contextidr_el1");
  }

  /** The breakpoint that another monitor is linked to compares contexts, and finds its own. */
  #isLinked(control: bigint): boolean {
    const index = (control >> CONTROL.linkedShift) & CONTROL.linked;
    const monitor = BREAKPOINTS[Number(index)];
    if (index !== CONTEXT_BREAKPOINT || monitor === undefined) return false;
    const linked = this.#state.registers.get(monitor.control);
    const isContext = ((linked >> TYPE.shift) & TYPE.mask) === TYPE.linkedContext;
    return isContext && (linked & CONTROL.enabled) !== 0n && this.#isContext(monitor);
  }

  /** Enabled, at the exception level. */
  #applies({ control }: Monitor, level: Level): boolean {
    const value = this.#state.registers.get(control);
    if ((value & CONTROL.enabled) === 0n || !SECURITIES.has((value >> CONTROL.securityShift) & 3n)) return false;
    // Bit 0 of the two is EL1, bit 1 EL0.
    return ((value >> CONTROL.privilegeShift) & (level === 1 ? 1n : 2n)) !== 0n;
  }

  /** A watchpoint on what an access reaches. */
  atAccess(access: WatchedAccess): Trap | undefined {
    if (!this.#watches[access.level] || !this.#isEnabledAt(this.#state.level)) return undefined;
    for (const monitor of WATCHPOINTS) {
      const kind = this.#applies(monitor, access.level) ? this.#watchedKind(monitor, access) : undefined;
      const address = kind === undefined ? undefined : this.#watchedByte(monitor, access);
      if (address === undefined) continue;
      const iss = STATUS | (kind === "store" ? ISS_WRITE : 0);
      return { exceptionClass: this.#classOf("watchpoint"), iss, address };
    }
    return undefined;
  }

  /** As the syndrome has it: what reads first is a read where reads are watched, too ("WnR", D17.2.37). */
  #watchedKind({ control }: Monitor, { kind, readsFirst }: WatchedAccess): DataKind | undefined {
    const value = this.#state.registers.get(control);
    if ((value & WATCH.isLinked) !== 0n && !this.#isLinked(value)) return undefined;
    const kinds = value >> WATCH.kindsShift;
    if ((readsFirst || kind === "load") && (kinds & WATCH.load) !== 0n) return "load";
    return kind === "store" && (kinds & WATCH.store) !== 0n ? "store" : undefined;
  }

  /** @returns the first watched byte of an access. */
  #watchedByte({ value, control }: Monitor, { virtual, bytes }: WatchedAccess): bigint | undefined {
    const { registers } = this.#state;
    const how = registers.get(control);
    const start = BigInt.asUintN(64, BigInt.asIntN(ADDRESS_BITS, registers.get(value)));
    const maskBits = (how >> WATCH.maskShift) & 0x1fn;
    const selected = Number((how >> WATCH.bytesShift) & 0xffn);
    const isWatched = (address: bigint) =>
      maskBits > 2n
        ? address >> maskBits === start >> maskBits
        : address >> 3n === start >> 3n && (selected & (1 << Number(address % BigInt(WATCHED_BYTES)))) !== 0;
    for (let offset = 0; offset < bytes; offset++) {
      const address = BigInt.asUintN(64, virtual + BigInt(offset));
      if (isWatched(address)) return address;
    }
    return undefined;
  }

  #classOf(kind: "softwareStep" | "breakpoint" | "watchpoint"): number {
    return EXCEPTION_CLASS[this.#state.level === 0 ? (`${kind}Lower` as const) : kind];
  }
}
