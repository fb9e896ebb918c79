/** SYS: cache and TLB maintenance, address translation, DC ZVA (Arm ARM, C5.3 to C5.5). */
import { systemRegisterKey } from "../instruction/system-register.ts";
import { translateNow } from "./address-space.ts";
import type { DataAccess } from "./data-access.ts";
import type { ProcessorState } from "./state.ts";
import { FAULT, ISS_CACHE_MAINTENANCE } from "./syndrome.ts";

/** By CRn. */
const SYS = { caches: 7, translations: 8 } as const;
const ADDRESS_TRANSLATION_CRM = 8;
const ZERO_BLOCK = systemRegisterKey(1, 3, 7, 4, 1);
const ZERO_BLOCK_BYTES = 64;

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
    const crn = (encoding >> 7) & 0xf;
    const op1 = (encoding >> 11) & 7;
    if (state.level === 0 && op1 !== 3) return state.undefinedInstruction();
    if (encoding === ZERO_BLOCK) return this.#zeroBlock(value);
    if (crn === SYS.caches) {
      if (((encoding >> 3) & 0xf) === ADDRESS_TRANSLATION_CRM) this.#translateAddress(encoding, value);
      return 0;
    }
    if (crn !== SYS.translations) return state.undefinedInstruction();
    state.memory.forgetTranslations();
    return 0;
  }

  /** AT S1E1R, S1E1W, S1E0R, S1E0W: into PAR_EL1 (D17.2.119). */
  #translateAddress(encoding: number, virtual: bigint): void {
    const op2 = encoding & 7;
    const found = translateNow(this.#state, virtual, (op2 & 1) === 1 ? "store" : "load", (op2 & 2) !== 0);
    const result = found.isFault
      ? 1n | (BigInt(found.status) << 1n) | (1n << 11n)
      : (BigInt(found.address) & ~0xfffn) | (1n << 11n) | (3n << 7n) | (0xffn << 56n);
    this.#state.registers.set("par_el1", result);
  }

  #zeroBlock(address: bigint): number {
    const state = this.#state;
    const { memory } = state;
    const virtual = address & ~BigInt(ZERO_BLOCK_BYTES - 1);
    const parts = this.#data.parts(virtual, ZERO_BLOCK_BYTES, 0, "store");
    const physical = parts?.[0]?.physical;
    if (physical === undefined) {
      const { trap } = state;
      if (trap !== undefined) state.trap = { ...trap, iss: trap.iss | ISS_CACHE_MAINTENANCE, address };
      return 1;
    }
    const host = memory.host(physical, ZERO_BLOCK_BYTES);
    if (host === undefined) {
      this.#data.abort(FAULT.external, address, "store", ISS_CACHE_MAINTENANCE);
      return 1;
    }
    memory.bytes.fill(0, host, host + ZERO_BLOCK_BYTES);
    memory.forgetInstructions(physical, ZERO_BLOCK_BYTES);
    return 0;
  }
}
