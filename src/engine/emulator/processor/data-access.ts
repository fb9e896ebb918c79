/** Loads and stores that generated code does not do alone: first ones of a page, across pages, of devices, to code. */
import { ACCESS } from "../host-functions.ts";
import { GUEST_ADDRESS, PAGE_BYTES, STATE, TAG } from "../layout.ts";
import { translateNow } from "./address-space.ts";
import type { Bus } from "./bus.ts";
import type { DebugMonitor } from "./debug.ts";
import type { MachineMemory } from "./memory.ts";
import type { Level, ProcessorState } from "./state.ts";
import { EXCEPTION_CLASS, FAULT, ISS_WRITE } from "./syndrome.ts";
import { isDevice, type Mapped } from "./translate.ts";
import type { DataKind } from "./translation-cache.ts";

/** Bytes of an access that lie in one page. */
export interface Part {
  readonly physical: number;
  readonly bytes: number;
  readonly mapped: Mapped;
}

/** What a device gets at once at most. */
const BUS_BYTES_MAX = 8;
/** SCTLR_EL1 (D17.2.118): alignment is checked of all accesses, and of the stack pointer at EL1 and EL0. */
const SCTLR = { alignment: 1n << 1n, stackOfEl1: 1n << 3n, stackOfEl0: 1n << 4n } as const;

export class DataAccess {
  readonly #state: ProcessorState;
  readonly #memory: MachineMemory;
  readonly #bus: Bus;
  readonly #debug: DebugMonitor;
  /** Where the bytes in the bounce buffer are stored. */
  #pending: readonly Part[] = [];
  #pendingElementBytes = BUS_BYTES_MAX;
  /** A device has this store already; its instruction runs once more to its end. */
  #servedStore: bigint | undefined;

  constructor(state: ProcessorState, bus: Bus, debug: DebugMonitor) {
    this.#debug = debug;
    this.#state = state;
    this.#memory = state.memory;
    this.#bus = bus;
  }

  get #view(): DataView {
    return this.#memory.view;
  }

  /** Whether the instruction at hand has done a store already, and must run to its end before anything else happens. */
  get isInStore(): boolean {
    return this.#servedStore !== undefined;
  }

  /** As `translateLoad` of the host functions. */
  toLoad(how: number): number {
    const known = this.#again("load", how);
    if (known !== undefined) return known;
    const virtual = this.#view.getBigUint64(STATE.detail, true);
    const parts = this.parts(virtual, how, "load");
    if (parts === undefined) return -1;
    const host = this.#keep(parts, "load", virtual, how);
    if (host !== undefined) return host;
    let offset = STATE.bounce;
    for (const part of parts) {
      const outcome = this.#loadPart(part, elementBytes(how), offset);
      if (outcome === undefined) this.abort(FAULT.external, addressOfPart(virtual, offset), "load");
      if (outcome !== "done") return -1;
      offset += part.bytes;
    }
    return STATE.bounce;
  }

  #loadPart({ physical, bytes }: Part, unit: number, to: number): "done" | "stop" | undefined {
    const host = this.#memory.host(physical, bytes);
    if (host !== undefined) {
      this.#memory.bytes.copyWithin(to, host, host + bytes);
      return "done";
    }
    for (let done = 0; done < bytes; done += unit) {
      const size = Math.min(unit, bytes - done);
      const value = this.#bus.load(physical + done, size);
      if (typeof value !== "bigint") return value;
      for (let byte = 0; byte < size; byte++) {
        this.#view.setUint8(to + done + byte, Number((value >> BigInt(8 * byte)) & 0xffn));
      }
    }
    return "done";
  }

  /** As `translateStore` of the host functions. */
  toStore(how: number): number {
    const known = this.#again("store", how);
    if (known !== undefined) return known;
    const virtual = this.#view.getBigUint64(STATE.detail, true);
    if (this.#servedStore === virtual) {
      this.#pending = [];
      return STATE.bounce;
    }
    const parts = this.parts(virtual, how, "store");
    if (parts === undefined) return -1;
    const host = this.#keep(parts, "store", virtual, how);
    if (host !== undefined) return host;
    this.#pending = parts;
    this.#pendingElementBytes = elementBytes(how);
    // Read-modify-write looks at the old bytes first.
    let offset = STATE.bounce;
    for (const part of parts) {
      const from = this.#memory.host(part.physical, part.bytes);
      if (from !== undefined) this.#memory.bytes.copyWithin(offset, from, from + part.bytes);
      offset += part.bytes;
    }
    return STATE.bounce;
  }

  /** As `finishStore` of the host functions. */
  finishStore(): number {
    if (this.#servedStore !== undefined) {
      this.#servedStore = undefined;
      return 0;
    }
    const virtual = this.#view.getBigUint64(STATE.detail, true);
    const parts = this.#pending;
    this.#pending = [];
    let offset = STATE.bounce;
    for (const { physical, bytes } of parts) {
      const host = this.#memory.host(physical, bytes);
      if (host !== undefined) {
        this.#memory.forgetInstructions(physical, bytes);
        this.#memory.bytes.copyWithin(host, offset, offset + bytes);
      } else {
        const outcome = this.#storeToBus(physical, bytes, offset);
        if (outcome === undefined) this.abort(FAULT.external, addressOfPart(virtual, offset), "store");
        if (outcome === "stop") this.#servedStore = virtual;
        if (outcome !== "done") return 1;
      }
      offset += bytes;
    }
    return 0;
  }

  #storeToBus(physical: number, bytes: number, from: number): "done" | "stop" | undefined {
    const unit = this.#pendingElementBytes;
    let stops = false;
    for (let done = 0; done < bytes; done += unit) {
      const size = Math.min(unit, bytes - done);
      const value = BigInt.asUintN(8 * size, this.#view.getBigUint64(from + done, true));
      const outcome = this.#bus.store(physical + done, size, value);
      if (outcome === undefined) return undefined;
      if (outcome === "stop") stops = true;
    }
    return stops ? "stop" : "done";
  }

  /** The host address of an access that generated code could not do by its kept translation, but whose translation is kept. */
  #again(kind: DataKind, how: number): number | undefined {
    const low = this.#view.getUint32(STATE.detail, true);
    const bytes = how & ACCESS.bytes;
    if ((how & ACCESS.stack) !== 0 || (low % PAGE_BYTES) + bytes > PAGE_BYTES) return undefined;
    const high = this.#view.getUint32(STATE.detail + 4, true);
    const found = this.#memory.translations.find(kind, this.#levelOf(how), low, high);
    if (found === undefined) return undefined;
    const { host, flags } = found;
    if ((how & ACCESS.aligned) !== 0 && low % bytes !== 0) return undefined;
    if ((flags & TAG.aligned) !== 0 && low % (1 << elementShift(how)) !== 0) return undefined;
    if ((flags & TAG.code) !== 0) this.#memory.forgetInstructions(host - GUEST_ADDRESS, bytes);
    return host;
  }

  /** Whose rights an access has. */
  #levelOf(how: number): Level {
    return (how & ACCESS.unprivileged) !== 0 ? 0 : this.#state.level;
  }

  /** Keeps the translation of an access in one page of the guest's memory. @returns where that lies; undefined where it is none. */
  #keep([part, second]: readonly Part[], kind: DataKind, virtual: bigint, how: number): number | undefined {
    if (part === undefined || second !== undefined) return undefined;
    const host = this.#memory.host(part.physical, part.bytes);
    if (host === undefined) return undefined;
    if (this.#debug.watches(this.#levelOf(how))) {
      if (kind === "store") this.#memory.forgetInstructions(part.physical, part.bytes);
      return host;
    }
    const isPlain = kind === "load" || this.#memory.mayStorePlainly(part.physical);
    if (!isPlain) this.#memory.forgetInstructions(part.physical, part.bytes);
    const flags = (this.#checksAlignment(part.mapped) ? TAG.aligned : 0) | (isPlain ? 0 : TAG.code);
    const { mappingBits } = part.mapped;
    this.#memory.translations.keep({ kind, level: this.#levelOf(how), virtual, host, flags, mappingBits });
    return host;
  }

  #checksAlignment(mapped: Mapped): boolean {
    return isDevice(mapped.attributes) || (this.#state.registers.get("sctlr_el1") & SCTLR.alignment) !== 0n;
  }

  /** The physical parts of an access: two where it crosses into another page. Undefined, with a trap, where one faults. */
  parts(virtual: bigint, how: number, kind: DataKind): readonly Part[] | undefined {
    const bytes = how & ACCESS.bytes;
    const sctlr = this.#state.registers.get("sctlr_el1");
    if (
      (how & ACCESS.stack) !== 0 &&
      (sctlr & (this.#state.level === 1 ? SCTLR.stackOfEl1 : SCTLR.stackOfEl0)) !== 0n
    ) {
      this.#state.trap = { exceptionClass: EXCEPTION_CLASS.stackAlignment, iss: 0 };
      return undefined;
    }
    const readsFirst = (how & ACCESS.readsFirst) !== 0;
    const told = readsFirst ? "load" : kind;
    if ((how & ACCESS.aligned) !== 0 && virtual % BigInt(bytes) !== 0n) {
      return this.abort(FAULT.alignment, virtual, told);
    }
    const isAligned = (virtual & ((1n << BigInt(elementShift(how))) - 1n)) === 0n;
    if (!isAligned && (sctlr & SCTLR.alignment) !== 0n) return this.abort(FAULT.alignment, virtual, told);
    const parts: Part[] = [];
    const firstBytes = Math.min(bytes, PAGE_BYTES - Number(virtual & 0xfffn));
    for (let done = 0; done < bytes; done += firstBytes) {
      const start = BigInt.asUintN(64, virtual + BigInt(done));
      const mapped = this.#map(start, kind, how);
      if (mapped === undefined) return undefined;
      if (!isAligned && isDevice(mapped.attributes)) return this.abort(FAULT.alignment, virtual, told);
      parts.push({ physical: mapped.address, bytes: done === 0 ? firstBytes : bytes - firstBytes, mapped });
      if (done > 0) break;
    }
    const watched = this.#debug.atAccess({ virtual, bytes, kind, readsFirst, level: this.#levelOf(how) });
    if (watched === undefined) return parts;
    this.#state.trap = watched;
    return undefined;
  }

  #map(virtual: bigint, kind: DataKind, how: number): Mapped | undefined {
    const isUser = this.#levelOf(how) === 0;
    const found = translateNow(this.#state, virtual, kind, isUser);
    if (!found.isFault) return found;
    const wouldRead = (how & ACCESS.readsFirst) !== 0 && translateNow(this.#state, virtual, "load", isUser).isFault;
    return this.abort(found.status, virtual, wouldRead ? "load" : kind);
  }

  /** Sets the trap of a data abort. */
  abort(status: number, address: bigint, kind: DataKind, flags = 0): undefined {
    const exceptionClass = this.#state.level === 0 ? EXCEPTION_CLASS.dataAbortLower : EXCEPTION_CLASS.dataAbort;
    this.#state.trap = { exceptionClass, iss: status | flags | (kind === "store" ? ISS_WRITE : 0), address };
    return undefined;
  }
}

/** @param offset of its bytes in the state. */
function addressOfPart(virtual: bigint, offset: number): bigint {
  return BigInt.asUintN(64, virtual + BigInt(offset - STATE.bounce));
}

function elementShift(how: number): number {
  return (how & ACCESS.element) >>> ACCESS.elementShift;
}

function elementBytes(how: number): number {
  return Math.min(1 << elementShift(how), BUS_BYTES_MAX);
}
