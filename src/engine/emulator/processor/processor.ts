/** One AArch64 processor at EL1 and EL0: runs instructions, takes exceptions, and says why it stopped. */
import { ACCESS, HOST_FUNCTIONS, type HostFunctionName } from "../host-functions.ts";
import { systemRegisterKey } from "../instruction/system-register.ts";
import { BUILT_IN, fillRecord, HANDLERS } from "../interpreter/handlers.ts";
import { PAGE_BYTES, RECORD, RECORDS_A_PAGE, SLOT, STATE, TRANSLATION_TABLES } from "../layout.ts";
import { EXIT } from "../semantics/operation.ts";
import { MachineMemory } from "./memory.ts";
import { reachableRegister, SystemRegisters } from "./registers.ts";
import { EXCEPTION_CLASS, FAULT, ISS_CACHE_MAINTENANCE, ISS_WRITE, type Trap } from "./syndrome.ts";
import { type AccessKind, translate } from "./translate.ts";

/** What lies at physical addresses outside the guest's memory. */
export interface Bus {
  /** @returns what is read; undefined where nothing is there. */
  load(address: number, bytes: number): bigint | undefined;
  /** @returns `stop` where the processor stops before the next instruction; undefined where nothing is there. */
  store(address: number, bytes: number, value: bigint): "done" | "stop" | undefined;
}

export type ProcessorStop = "stopped" | "budget" | "wait";

/** PSTATE and SPSR_EL1 (C5.2.18). */
const PSTATE = {
  stackOfLevel: 1n << 0n,
  level: 1n << 2n,
  mode: 0x1fn,
  masks: 0xfn << 6n,
  illegal: 1n << 20n,
} as const;
const FLAGS = { n: 1n << 31n, z: 1n << 30n, c: 1n << 29n, v: 1n << 28n } as const;
/** Instructions that are decoded at once at most. */
const RUN_INSTRUCTIONS_MAX = 256;
const NO_ADDRESS = -1n;
const FPCR_WRITABLE = 0x07c0_0000n;
const FPSR_WRITABLE = 0x0800_009fn;
/** Of SYS (C5.3): cache and TLB maintenance by CRn. */
const SYS = { caches: 7, translations: 8 } as const;
const ZERO_BLOCK = systemRegisterKey(1, 3, 7, 4, 1);
const ZERO_BLOCK_BYTES = 64;

/** A store that waits in the bounce buffer. */
interface PendingStore {
  readonly parts: readonly { readonly physical: number; readonly bytes: number }[];
}

export class Processor {
  readonly memory: MachineMemory;
  readonly registers: SystemRegisters;
  readonly counterHz: number;
  readonly #bus: Bus;
  readonly #nowNs: () => number;
  readonly #startNs: number;
  readonly #table: WebAssembly.Table;
  readonly #imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  #instantiatedBatches = 0;
  #level: 0 | 1 = 1;
  #stackOfLevel = true;
  #masks = PSTATE.masks;
  #isIllegal = false;
  /** SP_EL0 and SP_EL1, of which the one in use is in the state. */
  readonly #stackPointers: [bigint, bigint] = [0n, 0n];
  #pc = 0n;
  #trap: Trap | undefined;
  #pending: PendingStore | undefined;
  /** A device has this store already; its instruction runs once more to its end. */
  #servedStore: bigint | undefined;

  /** @param nowNs of a clock that goes on evenly, in nanoseconds. */
  constructor(guestBytes: number, bus: Bus, counterHz: number, nowNs: () => number) {
    this.memory = new MachineMemory(guestBytes);
    this.registers = new SystemRegisters(counterHz);
    this.counterHz = counterHz;
    this.#bus = bus;
    this.#nowNs = nowNs;
    this.#startNs = nowNs();
    this.#table = new WebAssembly.Table({ element: "anyfunc", initial: 64 });
    this.#imports = { host: { memory: this.memory.memory, table: this.#table, ...this.#hostFunctions() } };
    this.#instantiate();
    this.#useLevel();
    this.#view.setBigInt64(STATE.exclusiveAddress, NO_ADDRESS, true);
    this.#view.setBigInt64(STATE.z, 1n, true);
  }

  get #view(): DataView {
    return this.memory.view;
  }

  get pc(): bigint {
    return this.#pc;
  }

  set pc(value: bigint) {
    this.#pc = BigInt.asUintN(64, value);
  }

  /** Of the instruction whose access the bus serves. */
  get pcInFlight(): bigint {
    return this.#pcOf(this.#view.getUint32(STATE.record, true));
  }

  /** X0 to X30; 31 is the stack pointer in use. */
  getRegister(number: number): bigint {
    return this.#view.getBigUint64(STATE.x(number === 31 ? SLOT.stackPointer : number), true);
  }

  setRegister(number: number, value: bigint): void {
    this.#view.setBigUint64(STATE.x(number === 31 ? SLOT.stackPointer : number), BigInt.asUintN(64, value), true);
  }

  /** As SPSR_EL1 has it. */
  get pstate(): bigint {
    const mode = (this.#level === 1 ? PSTATE.level : 0n) | (this.#stackOfLevel ? PSTATE.stackOfLevel : 0n);
    return this.nzcv | this.#masks | (this.#isIllegal ? PSTATE.illegal : 0n) | mode;
  }

  set pstate(value: bigint) {
    this.nzcv = value;
    this.#masks = value & PSTATE.masks;
    this.#isIllegal = (value & PSTATE.illegal) !== 0n;
    this.#setLevel((value & PSTATE.level) !== 0n ? 1 : 0, (value & PSTATE.stackOfLevel) !== 0n);
  }

  /** Bits 31 to 28. */
  get nzcv(): bigint {
    const view = this.#view;
    return (
      (view.getBigInt64(STATE.n, true) < 0n ? FLAGS.n : 0n) |
      (view.getBigInt64(STATE.z, true) === 0n ? FLAGS.z : 0n) |
      (view.getInt32(STATE.c, true) !== 0 ? FLAGS.c : 0n) |
      (view.getInt32(STATE.v, true) !== 0 ? FLAGS.v : 0n)
    );
  }

  set nzcv(value: bigint) {
    const view = this.#view;
    view.setBigInt64(STATE.n, (value & FLAGS.n) !== 0n ? -1n : 0n, true);
    view.setBigInt64(STATE.z, (value & FLAGS.z) !== 0n ? 0n : 1n, true);
    view.setInt32(STATE.c, (value & FLAGS.c) !== 0n ? 1 : 0, true);
    view.setInt32(STATE.v, (value & FLAGS.v) !== 0n ? 1 : 0, true);
  }

  /** Of the generic timer (D11). */
  counter(): bigint {
    return BigInt(Math.floor(((this.#nowNs() - this.#startNs) * this.counterHz) / 1e9));
  }

  /** Writes a system register as MSR does. */
  setSystemRegister(...[register, value]: Parameters<SystemRegisters["set"]>): void {
    this.registers.set(register, value);
    this.#useLevel();
    this.memory.forgetTranslations();
  }

  /** Runs until the budget of branches backwards and exceptions is used, or something stops it. */
  run(budget: number): ProcessorStop {
    this.#view.setInt32(STATE.budget, budget, true);
    for (;;) {
      const record = this.#resolve();
      const stop = record === undefined ? undefined : this.#runFrom(record);
      if (stop !== undefined) return stop;
      if (this.#spend() <= 0) return "budget";
    }
  }

  /** @returns as `#leave` does, with `pc` where the instructions came back. */
  #runFrom(first: number): ProcessorStop | undefined {
    for (let record = first; ; this.#decodeRun(record)) {
      const reason = this.#enter(record);
      record = this.#view.getUint32(STATE.record, true);
      if (reason === EXIT.decode) continue;
      this.#pc = reason === EXIT.target ? this.#view.getBigUint64(STATE.target, true) : this.#pcOf(record);
      return this.#leave(reason);
    }
  }

  /** A guest whose exception handler faults comes back again and again, without a branch of its own. */
  #spend(): number {
    const left = this.#view.getInt32(STATE.budget, true) - 1;
    this.#view.setInt32(STATE.budget, left, true);
    return left;
  }

  /** @returns why the processor stops; undefined where it goes on at `pc`. */
  #leave(reason: number): ProcessorStop | undefined {
    switch (reason) {
      case EXIT.target:
        return undefined;
      case EXIT.budget:
        return "budget";
      case EXIT.wait:
        return "wait";
      case EXIT.access:
      case EXIT.system: {
        const trap = this.#trap;
        this.#trap = undefined;
        if (trap === undefined) return "stopped";
        return this.#take(trap, this.#pc);
      }
      case EXIT.svc:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.svc, iss: this.#detail() }, this.#pc + 4n);
      case EXIT.brk:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.brk, iss: this.#detail() }, this.#pc);
      case EXIT.vectorTrap:
        // No condition: bit 24 and 0b1110 (D17.2.37).
        return this.#take({ exceptionClass: EXCEPTION_CLASS.vectors, iss: (1 << 24) | (0xe << 20) }, this.#pc);
      case EXIT.eret:
        return this.#returnFromException();
      default:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.unknown, iss: 0 }, this.#pc);
    }
  }

  #detail(): number {
    return this.#view.getUint32(STATE.detail, true);
  }

  #pcOf(record: number): bigint {
    return BigInt.asUintN(64, this.#view.getBigInt64(STATE.pcBase, true) + BigInt(record >>> 3));
  }

  #enter(record: number): number {
    const handler = this.#table.get(this.#view.getUint32(record + RECORD.handler, true));
    if (handler === null) throw new Error("a record has a handler that this machine has not");
    return handler(record);
  }

  /** The record of the instruction at `pc`; undefined where that faults, with `pc` at the vector then. */
  #resolve(): number | undefined {
    if (this.#isIllegal) return this.#take({ exceptionClass: EXCEPTION_CLASS.illegalState, iss: 0 }, this.#pc);
    if ((this.#pc & 3n) !== 0n) {
      return this.#take({ exceptionClass: EXCEPTION_CLASS.pcAlignment, iss: 0, address: this.#pc }, this.#pc);
    }
    const found = this.#translate(this.#pc, "execute", this.#level === 0);
    if (!found.isFault && this.memory.host(found.address, 4) !== undefined) return this.#placeAt(found.address);
    const iss = found.isFault ? found.status : FAULT.external;
    const exceptionClass = this.#level === 0 ? EXCEPTION_CLASS.instructionAbortLower : EXCEPTION_CLASS.instructionAbort;
    return this.#take({ exceptionClass, iss, address: this.#pc }, this.#pc);
  }

  #placeAt(physical: number): number {
    const first = this.memory.recordsOf(physical, BUILT_IN.nextPage);
    const record = first + ((physical % PAGE_BYTES) / 4) * RECORD.bytes;
    this.memory.keepCodePage(this.#pc, first);
    this.#view.setBigUint64(STATE.pcBase, BigInt.asUintN(64, this.#pc - BigInt(record >>> 3)), true);
    return record;
  }

  /** Fills records from one on up to where nothing falls through, or to filled ones. */
  #decodeRun(record: number): void {
    const { memory } = this;
    const physical = memory.physicalOf(record);
    const first = (physical % PAGE_BYTES) / 4;
    const end = Math.min(RECORDS_A_PAGE, first + RUN_INSTRUCTIONS_MAX);
    const host = memory.host(physical, 4);
    if (host === undefined) throw new Error("a record has no instruction");
    for (let index = first; index < end; index++) {
      const offset = 4 * (index - first);
      const at = record + (offset / 4) * RECORD.bytes;
      if (index > first && memory.view.getUint32(at + RECORD.handler, true) !== BUILT_IN.decode) break;
      const { handler, placed } = HANDLERS.find(memory.view.getUint32(host + offset, true), 4 * index);
      fillRecord(memory.view, at, handler, placed);
      if (handler.endsRun) break;
    }
    HANDLERS.flush();
    this.#instantiate();
  }

  #instantiate(): void {
    for (; this.#instantiatedBatches < HANDLERS.batches.length; this.#instantiatedBatches++) {
      const batch = HANDLERS.batches[this.#instantiatedBatches];
      if (batch === undefined) break;
      const { exports } = new WebAssembly.Instance(batch.module, this.#imports);
      for (const index of batch.indices) {
        if (index >= this.#table.length) this.#table.grow(Math.max(64, index - this.#table.length + 1));
        const handler = exports[String(index)];
        if (handler !== undefined) this.#table.set(index, handler);
      }
    }
  }

  /** Takes an exception to EL1 (D1.10). */
  #take({ exceptionClass, iss, address }: Trap, returnAddress: bigint): undefined {
    const { registers } = this;
    registers.set("esr_el1", (BigInt(exceptionClass) << 26n) | (1n << 25n) | BigInt(iss));
    if (address !== undefined) registers.set("far_el1", address);
    registers.set("spsr_el1", this.pstate);
    registers.set("elr_el1", returnAddress);
    const vector = this.#level === 0 ? 0x400n : this.#stackOfLevel ? 0x200n : 0n;
    this.#masks = PSTATE.masks;
    this.#isIllegal = false;
    this.#setLevel(1, true);
    this.pc = registers.get("vbar_el1") + vector;
  }

  /** ERET (D1.10.4, "Illegal return events from AArch64 state"). */
  #returnFromException(): undefined {
    this.#view.setBigInt64(STATE.exclusiveAddress, NO_ADDRESS, true);
    if (this.#level === 0) return this.#take({ exceptionClass: EXCEPTION_CLASS.unknown, iss: 0 }, this.#pc);
    const saved = this.registers.get("spsr_el1");
    this.pc = this.registers.get("elr_el1");
    const mode = saved & PSTATE.mode;
    if (mode === 0n || mode === 4n || mode === 5n) {
      this.pstate = saved;
      return;
    }
    this.nzcv = saved;
    this.#masks = saved & PSTATE.masks;
    this.#isIllegal = true;
  }

  #setLevel(level: 0 | 1, stackOfLevel: boolean): void {
    this.#stackPointers[this.#stackInUse()] = this.getRegister(31);
    const changes = level !== this.#level;
    this.#level = level;
    this.#stackOfLevel = stackOfLevel;
    this.setRegister(31, this.#stackPointers[this.#stackInUse()]);
    this.#useLevel();
    if (changes) this.memory.forgetCodePages();
  }

  #stackInUse(): 0 | 1 {
    return this.#level === 1 && this.#stackOfLevel ? 1 : 0;
  }

  /** Brings into the state what depends on the exception level. */
  #useLevel(): void {
    this.#view.setUint32(STATE.translations, TRANSLATION_TABLES[this.#level], true);
    const enabled = Number(this.registers.get("cpacr_el1") >> 20n) & 3;
    const traps = enabled === 3 ? false : enabled === 1 ? this.#level === 0 : true;
    this.#view.setUint32(STATE.vectorTrap, traps ? 1 : 0, true);
  }

  #translate(virtual: bigint, kind: AccessKind, isUser: boolean) {
    const { registers, memory } = this;
    const values = {
      sctlr: registers.get("sctlr_el1"),
      tcr: registers.get("tcr_el1"),
      ttbr0: registers.get("ttbr0_el1"),
      ttbr1: registers.get("ttbr1_el1"),
    };
    const read = (address: bigint) => {
      const host = memory.host(Number(address), 8);
      return host === undefined ? undefined : memory.view.getBigUint64(host, true);
    };
    return translate(values, read, virtual, kind, isUser);
  }

  #hostFunctions(): Record<HostFunctionName, (...args: never[]) => number> {
    const functions: Record<HostFunctionName, (...args: never[]) => number> = {
      translateLoad: (how: number) => this.#toLoad(how),
      translateStore: (how: number) => this.#toStore(how),
      finishStore: () => this.#finishStore(),
      readSystemRegister: (encoding: number) => this.#readRegister(encoding),
      writeSystemRegister: (encoding: number, value: bigint) =>
        this.#writeRegister(encoding, BigInt.asUintN(64, value)),
      writeProcessorState: (field: number, value: number) => this.#writeProcessorState(field, value),
      systemInstruction: (encoding: number, value: bigint) =>
        this.#systemInstruction(encoding, BigInt.asUintN(64, value)),
    };
    if (HOST_FUNCTIONS.some(({ name }) => functions[name] === undefined)) throw new Error("a host function is missing");
    return functions;
  }

  /** The physical parts of an access: two where it crosses into another page. Undefined, with a trap, where one faults. */
  #parts(virtual: bigint, bytes: number, how: number, kind: "load" | "store"): PendingStore["parts"] | undefined {
    if ((how & ACCESS.aligned) !== 0 && virtual % BigInt(bytes) !== 0n) {
      return this.#abort(FAULT.alignment, virtual, kind);
    }
    const isUser = this.#level === 0 || (how & ACCESS.unprivileged) !== 0;
    const firstBytes = Math.min(bytes, PAGE_BYTES - Number(virtual & 0xfffn));
    const starts = firstBytes === bytes ? [virtual] : [virtual, BigInt.asUintN(64, virtual + BigInt(firstBytes))];
    const parts: { readonly physical: number; readonly bytes: number }[] = [];
    for (const [index, start] of starts.entries()) {
      const found = this.#translate(start, kind, isUser);
      if (found.isFault) return this.#abort(found.status, start, kind);
      parts.push({ physical: found.address, bytes: index === 0 ? firstBytes : bytes - firstBytes });
    }
    return parts;
  }

  #abort(status: number, address: bigint, kind: "load" | "store", flags = 0): undefined {
    const exceptionClass = this.#level === 0 ? EXCEPTION_CLASS.dataAbortLower : EXCEPTION_CLASS.dataAbort;
    this.#trap = { exceptionClass, iss: status | flags | (kind === "store" ? ISS_WRITE : 0), address };
    return undefined;
  }

  #toLoad(how: number): number {
    const virtual = this.#view.getBigUint64(STATE.detail, true);
    const bytes = how & ACCESS.bytes;
    const parts = this.#parts(virtual, bytes, how, "load");
    if (parts === undefined) return -1;
    const [first] = parts;
    if (parts.length === 1 && first !== undefined) {
      const host = this.memory.host(first.physical, bytes);
      if (host !== undefined) {
        if ((how & ACCESS.unprivileged) === 0) this.memory.keepTranslation("load", this.#level, virtual, host);
        return host;
      }
    }
    let offset = STATE.bounce;
    for (const part of parts) {
      if (!this.#loadPart(part.physical, part.bytes, offset)) {
        this.#abort(FAULT.external, virtual, "load");
        return -1;
      }
      offset += part.bytes;
    }
    return STATE.bounce;
  }

  #loadPart(physical: number, bytes: number, to: number): boolean {
    const host = this.memory.host(physical, bytes);
    if (host !== undefined) {
      this.memory.bytes.copyWithin(to, host, host + bytes);
      return true;
    }
    if (bytes > 8) return false;
    const value = this.#bus.load(physical, bytes);
    if (value === undefined) return false;
    this.#view.setBigUint64(to, BigInt.asUintN(64, value), true);
    return true;
  }

  #toStore(how: number): number {
    const virtual = this.#view.getBigUint64(STATE.detail, true);
    const bytes = how & ACCESS.bytes;
    if (this.#servedStore === virtual) {
      this.#pending = undefined;
      return STATE.bounce;
    }
    const parts = this.#parts(virtual, bytes, how, "store");
    if (parts === undefined) return -1;
    const [first] = parts;
    if (parts.length === 1 && first !== undefined) {
      const host = this.memory.host(first.physical, bytes);
      if (host !== undefined && !this.memory.hasRecords(first.physical)) {
        if ((how & ACCESS.unprivileged) === 0) this.memory.keepTranslation("store", this.#level, virtual, host);
        return host;
      }
    }
    this.#pending = { parts };
    // Read-modify-write looks at the old bytes first.
    let offset = STATE.bounce;
    for (const part of parts) {
      const host = this.memory.host(part.physical, part.bytes);
      if (host !== undefined) this.memory.bytes.copyWithin(offset, host, host + part.bytes);
      offset += part.bytes;
    }
    return STATE.bounce;
  }

  #finishStore(): number {
    if (this.#servedStore !== undefined) {
      this.#servedStore = undefined;
      return 0;
    }
    const virtual = this.#view.getBigUint64(STATE.detail, true);
    const pending = this.#pending;
    this.#pending = undefined;
    let offset = STATE.bounce;
    for (const { physical, bytes } of pending?.parts ?? []) {
      const host = this.memory.host(physical, bytes);
      if (host !== undefined) {
        this.memory.bytes.copyWithin(host, offset, offset + bytes);
        this.memory.forgetInstructions(physical, bytes);
      } else {
        const outcome = this.#storeToBus(physical, bytes, offset);
        if (outcome === undefined) this.#abort(FAULT.external, virtual, "store");
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

  #undefined(): number {
    this.#trap = { exceptionClass: EXCEPTION_CLASS.unknown, iss: 0 };
    return 1;
  }

  #readRegister(encoding: number): number {
    const register = reachableRegister(encoding, false, this.#level);
    if (register === undefined) return this.#undefined();
    const view = this.#view;
    const value = (): bigint => {
      switch (register) {
        case "nzcv":
          return this.nzcv;
        case "daif":
          return this.#masks;
        case "spsel":
          return this.#stackOfLevel ? 1n : 0n;
        case "currentel":
          return BigInt(this.#level) << 2n;
        case "sp_el0":
          return this.#stackPointers[0];
        case "fpcr":
          return BigInt(view.getUint32(STATE.fpcr, true));
        case "fpsr":
          return BigInt(view.getUint32(STATE.fpsr, true));
        case "cntvct_el0":
        case "cntpct_el0":
          return this.counter();
        case "cntv_tval_el0":
          return BigInt.asUintN(32, this.registers.get("cntv_cval_el0") - this.counter());
        case "cntp_tval_el0":
          return BigInt.asUintN(32, this.registers.get("cntp_cval_el0") - this.counter());
        case "cntv_ctl_el0":
          return this.#timerControl("cntv_ctl_el0", "cntv_cval_el0");
        case "cntp_ctl_el0":
          return this.#timerControl("cntp_ctl_el0", "cntp_cval_el0");
        default:
          return this.registers.get(register);
      }
    };
    if (register === "sp_el0" && this.#stackInUse() === 0) return this.#undefined();
    if ((register === "fpcr" || register === "fpsr") && this.#vectorsTrap()) return 1;
    view.setBigUint64(STATE.detail, BigInt.asUintN(64, value()), true);
    return 0;
  }

  #timerControl(control: "cntv_ctl_el0" | "cntp_ctl_el0", compare: "cntv_cval_el0" | "cntp_cval_el0"): bigint {
    const value = this.registers.get(control) & 3n;
    const isDue = (value & 1n) !== 0n && this.counter() >= this.registers.get(compare);
    return value | (isDue ? 4n : 0n);
  }

  #vectorsTrap(): boolean {
    if (this.#view.getUint32(STATE.vectorTrap, true) === 0) return false;
    this.#trap = { exceptionClass: EXCEPTION_CLASS.vectors, iss: (1 << 24) | (0xe << 20) };
    return true;
  }

  #writeRegister(encoding: number, value: bigint): number {
    const register = reachableRegister(encoding, true, this.#level);
    if (register === undefined) return this.#undefined();
    const { registers } = this;
    switch (register) {
      case "nzcv":
        this.nzcv = value;
        return 0;
      case "daif":
        this.#masks = value & PSTATE.masks;
        return 0;
      case "spsel":
        this.#setLevel(this.#level, (value & 1n) !== 0n);
        return 0;
      case "sp_el0":
        if (this.#stackInUse() === 0) return this.#undefined();
        this.#stackPointers[0] = value;
        return 0;
      case "fpcr":
      case "fpsr": {
        if (this.#vectorsTrap()) return 1;
        const isControl = register === "fpcr";
        const kept = Number(value & (isControl ? FPCR_WRITABLE : FPSR_WRITABLE));
        this.#view.setUint32(isControl ? STATE.fpcr : STATE.fpsr, kept, true);
        return 0;
      }
      case "cntv_tval_el0":
        registers.set("cntv_cval_el0", this.counter() + BigInt.asIntN(32, value));
        return 0;
      case "cntp_tval_el0":
        registers.set("cntp_cval_el0", this.counter() + BigInt.asIntN(32, value));
        return 0;
      case "sctlr_el1":
      case "tcr_el1":
      case "ttbr0_el1":
      case "ttbr1_el1":
      case "mair_el1":
      case "cpacr_el1":
        this.setSystemRegister(register, value);
        return 0;
      default:
        registers.set(register, value);
        return 0;
    }
  }

  /** MSR (immediate): SPSel, DAIFSet, DAIFClr. EL0 has none, but where SCTLR_EL1.UMA lets it mask. */
  #writeProcessorState(field: number, value: number): number {
    if (this.#level === 0) return this.#undefined();
    const masks = BigInt(value) << 6n;
    if (field === 5) this.#setLevel(1, (value & 1) === 1);
    else this.#masks = field === 30 ? this.#masks | masks : this.#masks & ~masks;
    return 0;
  }

  #systemInstruction(encoding: number, value: bigint): number {
    const crn = (encoding >> 7) & 0xf;
    const op1 = (encoding >> 11) & 7;
    if (this.#level === 0 && op1 !== 3) return this.#undefined();
    if (encoding === ZERO_BLOCK) return this.#zeroBlock(value);
    if (crn === SYS.caches) return this.#isAddressTranslation(encoding) ? this.#translateAddress(encoding, value) : 0;
    if (crn !== SYS.translations) return this.#undefined();
    this.memory.forgetTranslations();
    return 0;
  }

  #isAddressTranslation(encoding: number): boolean {
    return ((encoding >> 3) & 0xf) === 8;
  }

  /** AT S1E1R, S1E1W, S1E0R, S1E0W: into PAR_EL1 (D17.2.119). */
  #translateAddress(encoding: number, virtual: bigint): number {
    const op2 = encoding & 7;
    const found = this.#translate(virtual, (op2 & 1) === 1 ? "store" : "load", (op2 & 2) !== 0);
    const result = found.isFault
      ? 1n | (BigInt(found.status) << 1n) | (1n << 11n)
      : (BigInt(found.address) & ~0xfffn) | (1n << 11n) | (3n << 7n) | (0xffn << 56n);
    this.registers.set("par_el1", result);
    return 0;
  }

  #zeroBlock(address: bigint): number {
    const virtual = address & ~BigInt(ZERO_BLOCK_BYTES - 1);
    const parts = this.#parts(virtual, ZERO_BLOCK_BYTES, 0, "store");
    const physical = parts?.[0]?.physical;
    if (physical === undefined) {
      const trap = this.#trap;
      if (trap !== undefined) this.#trap = { ...trap, iss: trap.iss | ISS_CACHE_MAINTENANCE, address };
      return 1;
    }
    const host = this.memory.host(physical, ZERO_BLOCK_BYTES);
    if (host === undefined) {
      this.#abort(FAULT.external, address, "store", ISS_CACHE_MAINTENANCE);
      return 1;
    }
    this.memory.bytes.fill(0, host, host + ZERO_BLOCK_BYTES);
    this.memory.forgetInstructions(physical, ZERO_BLOCK_BYTES);
    return 0;
  }
}
