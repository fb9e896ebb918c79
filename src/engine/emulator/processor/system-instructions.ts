/** SYS: cache and TLB maintenance, address translation, DC ZVA (Arm ARM, C5.3 to C5.5). */
import { systemRegisterKey } from "../instruction/system-register.ts";
import { translateNow } from "./address-space.ts";
import type { DataAccess } from "./data-access.ts";
import { LETS_EL0 } from "./reach.ts";
import type { ProcessorState } from "./state.ts";
import { EXCEPTION_CLASS, FAULT, ISS_CACHE_MAINTENANCE } from "./syndrome.ts";
import { isDevice, type Translation } from "./translate.ts";

/** By op1, CRn, CRm and op2. */
const sys = (op1: number, crn: number, crm: number, op2: number) => systemRegisterKey(1, op1, crn, crm, op2);
/** IC IALLUIS, IC IALLU. */
const ALL_INSTRUCTIONS: ReadonlySet<number> = new Set([sys(0, 7, 1, 0), sys(0, 7, 5, 0)]);
const INVALIDATE_INSTRUCTIONS = sys(3, 7, 5, 1);
/** Data caches by set and way: those that the emulator has hold what memory holds. */
const WHOLE_DATA_CACHES: ReadonlySet<number> = new Set([sys(0, 7, 6, 2), sys(0, 7, 10, 2), sys(0, 7, 14, 2)]);
const INVALIDATE_DATA = sys(0, 7, 6, 1);
/** DC IVAC; IC IVAU, DC CVAC, DC CVAU, DC CIVAC: these for EL0 too. */
const CACHE_LINES: ReadonlySet<number> = new Set([
  INVALIDATE_DATA,
  INVALIDATE_INSTRUCTIONS,
  sys(3, 7, 10, 1),
  sys(3, 7, 11, 1),
  sys(3, 7, 14, 1),
]);
const ZERO_BLOCK = sys(3, 7, 4, 1);
const ZERO_BLOCK_BYTES = 64;
/** CTR_EL0.IminLine. */
const LINE_BYTES = 64;
const ABORTS: ReadonlySet<number> = new Set([EXCEPTION_CLASS.dataAbort, EXCEPTION_CLASS.dataAbortLower]);
/** AT: bit 0 of op2 is a write's rights, bit 1 those of EL0. */
const ADDRESS_TRANSLATION = sys(0, 7, 8, 0);
const TRANSLATES = { forWriting: 1, forUser: 2, mask: 3 } as const;
/** TLBI of this processor and of all in the inner shareable domain: CRm 7 and 3. By op2. */
const TLB_OF_ONE = sys(0, 8, 7, 0);
const TLB_OF_ALL = sys(0, 8, 3, 0);
const TLB = { all: 0, address: 1, asid: 2, addressOfAllAsids: 3, lastLevel: 5, lastLevelOfAllAsids: 7 } as const;
const TLB_OPERATIONS: ReadonlySet<number> = new Set(Object.values(TLB));
const OP2_MASK = 7;
/** Bits 43 to 0 of a TLBI by address are bits 55 to 12 of it. */
const PAGE_SHIFT = 12n;
const PAGE_NUMBER_BITS = 44;
/** PAR_EL1 (D17.2.119). */
const PAR = { fault: 1n, statusShift: 1n, shareabilityShift: 7n, ones: 1n << 11n, attributesShift: 56n } as const;
const NON_CACHEABLE = 0x44;
const OUTER_SHAREABLE = 2;

export class SystemInstructions {
  readonly #state: ProcessorState;
  readonly #data: DataAccess;

  constructor(state: ProcessorState, data: DataAccess) {
    this.#state = state;
    this.#data = data;
  }

  /** As `systemInstruction` of the host functions. */
  execute(encoding: number, value: bigint): number {
    const state = this.#state;
    if (encoding === ZERO_BLOCK) return this.#isTrapped(LETS_EL0.zeroBlocks) ? 1 : this.#zeroBlock(value);
    if (state.level === 0 && (encoding === INVALIDATE_DATA || !CACHE_LINES.has(encoding))) {
      return state.undefinedInstruction();
    }
    if (CACHE_LINES.has(encoding)) {
      return this.#isTrapped(LETS_EL0.maintainCaches) ? 1 : this.#maintainLine(encoding, value);
    }
    if (WHOLE_DATA_CACHES.has(encoding)) return 0;
    if (ALL_INSTRUCTIONS.has(encoding)) {
      state.memory.forgetAllInstructions();
      return 0;
    }
    if ((encoding & ~TRANSLATES.mask) === ADDRESS_TRANSLATION) return this.#translateAddress(encoding, value);
    const group = encoding & ~OP2_MASK;
    const operation = encoding & OP2_MASK;
    if ((group === TLB_OF_ONE || group === TLB_OF_ALL) && TLB_OPERATIONS.has(operation)) {
      return this.#forgetTranslations(operation, value);
    }
    return state.undefinedInstruction();
  }

  /** @param bit of SCTLR_EL1: lets EL0. */
  #isTrapped(bit: bigint): boolean {
    const state = this.#state;
    if (state.level === 1 || (state.registers.get("sctlr_el1") & bit) !== 0n) return false;
    state.trappedSystemAccess();
    return true;
  }

  /** All translations that are kept are of the ASID in use: a change of it drops them. */
  #forgetTranslations(operation: number, value: bigint): number {
    const { translations } = this.#state.memory;
    if (operation === TLB.all || operation === TLB.asid) translations.forgetAll();
    else translations.forgetAddress(BigInt.asUintN(PAGE_NUMBER_BITS, value) << PAGE_SHIFT);
    return 0;
  }

  /**
   * Where the address may be read; to lose what is in a cache takes the right to write. Stores are seen by themselves, what
   * devices wrote is an instruction from here on.
   */
  #maintainLine(encoding: number, address: bigint): number {
    const state = this.#state;
    const found = translateNow(state, address, encoding === INVALIDATE_DATA ? "store" : "load", state.level === 0);
    if (!found.isFault) {
      if (encoding === INVALIDATE_INSTRUCTIONS) {
        state.memory.forgetInstructions(found.address - (found.address % LINE_BYTES), LINE_BYTES);
      }
      return 0;
    }
    this.#data.abort(found.status, address, "store", ISS_CACHE_MAINTENANCE);
    return 1;
  }

  /** AT S1E1R, S1E1W, S1E0R, S1E0W: into PAR_EL1. A walk that leads outside memory makes an exception all the same. */
  #translateAddress(encoding: number, virtual: bigint): number {
    const kind = (encoding & TRANSLATES.forWriting) !== 0 ? "store" : "load";
    const found = translateNow(this.#state, virtual, kind, (encoding & TRANSLATES.forUser) !== 0);
    if (found.isFault && (found.status & ~3) === FAULT.externalOnWalk) {
      this.#data.abort(found.status, virtual, "store", ISS_CACHE_MAINTENANCE);
      return 1;
    }
    this.#state.registers.set("par_el1", parOf(found));
    return 0;
  }

  #zeroBlock(address: bigint): number {
    const { memory } = this.#state;
    const virtual = address & ~BigInt(ZERO_BLOCK_BYTES - 1);
    const [part] = this.#data.parts(virtual, ZERO_BLOCK_BYTES, "store") ?? [];
    if (part === undefined) {
      const { trap } = this.#state;
      // An abort is of the address as the instruction has it, a watchpoint of what is watched.
      if (trap !== undefined && ABORTS.has(trap.exceptionClass)) this.#state.trap = { ...trap, address };
      return 1;
    }
    const { physical, mapped } = part;
    const host = memory.host(physical, ZERO_BLOCK_BYTES);
    if (isDevice(mapped.attributes) || host === undefined) {
      this.#data.abort(host === undefined ? FAULT.external : FAULT.alignment, address, "store");
      return 1;
    }
    memory.forgetInstructions(physical, ZERO_BLOCK_BYTES);
    memory.bytes.fill(0, host, host + ZERO_BLOCK_BYTES);
    return 0;
  }
}

/** What AT tells of a translation. */
function parOf(found: Translation): bigint {
  if (found.isFault) return PAR.fault | (BigInt(found.status) << PAR.statusShift) | PAR.ones;
  const { attributes } = found;
  const isUncached = isDevice(attributes) || attributes === NON_CACHEABLE;
  const shareability = BigInt(isUncached ? OUTER_SHAREABLE : found.shareability) << PAR.shareabilityShift;
  const page = BigInt(found.address) & ~0xfffn;
  return page | PAR.ones | shareability | (BigInt(attributes) << PAR.attributesShift);
}
