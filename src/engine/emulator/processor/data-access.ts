/** Loads and stores that generated code does not do alone: first ones of a page, across pages, of devices, to code. */
import { ACCESS } from "../host-functions.ts";
import { PAGE_BYTES, STATE } from "../layout.ts";
import { translateNow } from "./address-space.ts";
import type { Bus } from "./bus.ts";
import type { MachineMemory } from "./memory.ts";
import type { ProcessorState } from "./state.ts";
import { EXCEPTION_CLASS, FAULT, ISS_WRITE } from "./syndrome.ts";

/** Bytes of an access that lie in one page. */
interface Part {
  readonly physical: number;
  readonly bytes: number;
}

type DataKind = "load" | "store";

export class DataAccess {
  readonly #state: ProcessorState;
  readonly #memory: MachineMemory;
  readonly #bus: Bus;
  /** Where the bytes in the bounce buffer are stored. */
  #pending: readonly Part[] = [];
  /** A device has this store already; its instruction runs once more to its end. */
  #servedStore: bigint | undefined;

  constructor(state: ProcessorState, bus: Bus) {
    this.#state = state;
    this.#memory = state.memory;
    this.#bus = bus;
  }

  get #view(): DataView {
    return this.#memory.view;
  }

  /** As `translateLoad` of the host functions. */
  toLoad(how: number): number {
    const virtual = this.#view.getBigUint64(STATE.detail, true);
    const bytes = how & ACCESS.bytes;
    const parts = this.parts(virtual, bytes, how, "load");
    if (parts === undefined) return -1;
    const [first] = parts;
    if (parts.length === 1 && first !== undefined) {
      const host = this.#memory.host(first.physical, bytes);
      if (host !== undefined) {
        if ((how & ACCESS.unprivileged) === 0) this.#memory.keepTranslation("load", this.#state.level, virtual, host);
        return host;
      }
    }
    let offset = STATE.bounce;
    for (const part of parts) {
      if (!this.#loadPart(part, offset)) {
        this.abort(FAULT.external, virtual, "load");
        return -1;
      }
      offset += part.bytes;
    }
    return STATE.bounce;
  }

  #loadPart({ physical, bytes }: Part, to: number): boolean {
    const host = this.#memory.host(physical, bytes);
    if (host !== undefined) {
      this.#memory.bytes.copyWithin(to, host, host + bytes);
      return true;
    }
    if (bytes > 8) return false;
    const value = this.#bus.load(physical, bytes);
    if (value === undefined) return false;
    this.#view.setBigUint64(to, BigInt.asUintN(64, value), true);
    return true;
  }

  /** As `translateStore` of the host functions. */
  toStore(how: number): number {
    const virtual = this.#view.getBigUint64(STATE.detail, true);
    const bytes = how & ACCESS.bytes;
    if (this.#servedStore === virtual) {
      this.#pending = [];
      return STATE.bounce;
    }
    const parts = this.parts(virtual, bytes, how, "store");
    if (parts === undefined) return -1;
    const [first] = parts;
    if (parts.length === 1 && first !== undefined) {
      const host = this.#memory.host(first.physical, bytes);
      if (host !== undefined && !this.#memory.hasRecords(first.physical)) {
        if ((how & ACCESS.unprivileged) === 0) this.#memory.keepTranslation("store", this.#state.level, virtual, host);
        return host;
      }
    }
    this.#pending = parts;
    // Read-modify-write looks at the old bytes first.
    let offset = STATE.bounce;
    for (const part of parts) {
      const host = this.#memory.host(part.physical, part.bytes);
      if (host !== undefined) this.#memory.bytes.copyWithin(offset, host, host + part.bytes);
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
        this.#memory.bytes.copyWithin(host, offset, offset + bytes);
        this.#memory.forgetInstructions(physical, bytes);
      } else {
        const outcome = this.#storeToBus(physical, bytes, offset);
        if (outcome === undefined) this.abort(FAULT.external, virtual, "store");
        if (outcome === "stop") this.#servedStore = virtual;
        if (outcome !== "done") return 1;
      }
      offset += bytes;
    }
    return 0;
  }

  #storeToBus(physical: number, bytes: number, from: number): "done" | "stop" | undefined {
    if (bytes > 8) return undefined;
    return this.#bus.store(physical, bytes, BigInt.asUintN(8 * bytes, this.#view.getBigUint64(from, true)));
  }

  /** The physical parts of an access: two where it crosses into another page. Undefined, with a trap, where one faults. */
  parts(virtual: bigint, bytes: number, how: number, kind: DataKind): readonly Part[] | undefined {
    if ((how & ACCESS.aligned) !== 0 && virtual % BigInt(bytes) !== 0n) {
      return this.abort(FAULT.alignment, virtual, kind);
    }
    const isUser = this.#state.level === 0 || (how & ACCESS.unprivileged) !== 0;
    const firstBytes = Math.min(bytes, PAGE_BYTES - Number(virtual & 0xfffn));
    const starts = firstBytes === bytes ? [virtual] : [virtual, BigInt.asUintN(64, virtual + BigInt(firstBytes))];
    const parts: Part[] = [];
    for (const [index, start] of starts.entries()) {
      const found = translateNow(this.#state, start, kind, isUser);
      if (found.isFault) return this.abort(found.status, start, kind);
      parts.push({ physical: found.address, bytes: index === 0 ? firstBytes : bytes - firstBytes });
    }
    return parts;
  }

  /** Sets the trap of a data abort. */
  abort(status: number, address: bigint, kind: DataKind, flags = 0): undefined {
    const exceptionClass = this.#state.level === 0 ? EXCEPTION_CLASS.dataAbortLower : EXCEPTION_CLASS.dataAbort;
    this.#state.trap = { exceptionClass, iss: status | flags | (kind === "store" ? ISS_WRITE : 0), address };
    return undefined;
  }
}
