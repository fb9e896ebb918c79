/**
 * A machine's predecoded instructions and the functions that run them. A record names its function by the place in a table;
 * whatever takes a record and returns an `ExitReason` may stand there.
 */
import { FLOAT_FUNCTIONS } from "../float/functions.ts";
import { type FloatFunctions, floatFunctions } from "../float/library.ts";
import { BUILT_IN, fillRecord, type HandlerLibrary } from "../interpreter/handlers.ts";
import { tableModule } from "../interpreter/table-functions.ts";
import { PAGE_BYTES, RECORD, RECORDS_A_PAGE, RETURNS, STATE } from "../layout.ts";
import type { MachineMemory } from "./memory.ts";
import type { Level } from "./state.ts";
import { SteppingCode } from "./stepping.ts";

/** Instructions that are decoded at once at most: what lies behind is likely run, too, and a module costs more than its functions. */
const RUN_INSTRUCTIONS_MAX = 256;

/** An instruction in the address space of now. */
export interface PlacedCode {
  readonly level: Level;
  readonly pc: bigint;
  readonly physical: number;
  /** Address bits that the mapping of it spans. */
  readonly mappingBits: number;
}

export class CodeRecords {
  readonly table: WebAssembly.Table;
  readonly imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The interpreter's functions. */
  readonly handlers: HandlerLibrary;
  readonly #memory: MachineMemory;
  /** `RECORD.heat` of instructions to which no branch came yet. */
  firstHeat = 0;
  #instantiatedBatches = 0;
  /** Of machines that are debugged. */
  #stepping: SteppingCode | undefined;

  /** @param hostFunctions by name, as `HOST_FUNCTIONS` tells them. */
  constructor(
    memory: MachineMemory,
    handlers: HandlerLibrary,
    hostFunctions: Readonly<Record<string, (...args: never[]) => number>>,
  ) {
    this.#memory = memory;
    this.handlers = handlers;
    this.table = new WebAssembly.Table({ element: "anyfunc", initial: 64 });
    const host = { memory: memory.memory, table: this.table, ...hostFunctions };
    addFloatImports(host, memory);
    Object.assign(host, new WebAssembly.Instance(tableModule(), { host }).exports);
    this.imports = { host };
    memory.view.setBigInt64(RETURNS.address, RETURNS.none, true);
    this.#instantiate();
  }

  /** Runs instructions from a record's on. @returns an `ExitReason`; `STATE.record` is where they left. */
  enter(record: number): number {
    const handler = this.table.get(this.#memory.view.getUint32(record + RECORD.handler, true));
    this.#memory.view.setUint32(STATE.returns, RETURNS.address, true);
    if (handler === null) throw new Error("a record has a handler that this machine has not");
    return handler(record);
  }

  /** Runs the instruction of a record alone. @returns as `SteppingCode.run`. */
  step(record: number): number {
    const memory = this.#memory;
    const physical = memory.physicalOf(record);
    this.fill(physical);
    const host = memory.host(physical, 4);
    if (host === undefined) throw new Error("a record has no instruction");
    const { handler } = this.handlers.find(memory.view.getUint32(host, true), physical % PAGE_BYTES);
    memory.view.setUint32(STATE.returns, RETURNS.address, true);
    this.#stepping ??= new SteppingCode(this.imports, this.handlers);
    return this.#stepping.run(handler.index, record, this.table.length);
  }

  /** The record of an instruction, and from now on how generated code finds it. */
  place({ level, pc, physical, mappingBits }: PlacedCode): number {
    const record = this.recordOf(physical);
    const first = record - ((physical % PAGE_BYTES) / 4) * RECORD.bytes;
    this.#memory.translations.keepCodePage(level, pc, first, mappingBits);
    this.#memory.view.setBigUint64(STATE.pcBase, BigInt.asUintN(64, pc - BigInt(record >>> 3)), true);
    return record;
  }

  /** The record of an instruction in the guest's memory. */
  recordOf(physical: number): number {
    return this.#memory.recordsOf(physical, BUILT_IN.nextPage) + ((physical % PAGE_BYTES) / 4) * RECORD.bytes;
  }

  /** Fills the record of an instruction in the guest's memory, unless it is filled. */
  fill(physical: number): void {
    const record = this.recordOf(physical);
    if (this.#memory.view.getUint32(record + RECORD.handler, true) === BUILT_IN.decode) this.decodeRun(record);
  }

  /** Puts a function into the table. */
  setFunction(index: number, made: WebAssembly.ExportedFunction): void {
    if (index >= this.table.length) this.table.grow(Math.max(64, index - this.table.length + 1));
    this.table.set(index, made);
  }

  /** Takes one out again, so that the host can free it. No record may name its place. */
  clearFunction(index: number): void {
    this.table.set(index, null);
  }

  /** The address of a record's instruction, where it runs now. */
  pcOf(record: number): bigint {
    return BigInt.asUintN(64, this.#memory.view.getBigInt64(STATE.pcBase, true) + BigInt(record >>> 3));
  }

  /** Fills records from one on, up to filled ones. */
  decodeRun(record: number): void {
    const memory = this.#memory;
    const physical = memory.physicalOf(record);
    const first = (physical % PAGE_BYTES) / 4;
    const end = Math.min(RECORDS_A_PAGE, first + RUN_INSTRUCTIONS_MAX);
    const host = memory.host(physical, 4);
    if (host === undefined) throw new Error("a record has no instruction");
    let index = first;
    while (index < end) {
      const offset = 4 * (index - first);
      const at = record + (offset / 4) * RECORD.bytes;
      if (index > first && memory.view.getUint32(at + RECORD.handler, true) !== BUILT_IN.decode) break;
      const { handler, placed } = this.handlers.find(memory.view.getUint32(host + offset, true), 4 * index);
      fillRecord(memory.view, at, handler, placed);
      memory.view.setInt32(at + RECORD.heat, this.firstHeat, true);
      index++;
    }
    memory.noteInstructions(physical, 4 * (index - first));
    this.handlers.flush();
    this.#instantiate();
  }

  #instantiate(): void {
    for (; this.#instantiatedBatches < this.handlers.batches.length; this.#instantiatedBatches++) {
      const batch = this.handlers.batches[this.#instantiatedBatches];
      if (batch === undefined) break;
      const { exports } = new WebAssembly.Instance(batch.module, this.imports);
      for (const index of batch.indices) {
        const handler = exports[String(index)];
        if (handler !== undefined) this.setFunction(index, handler);
      }
    }
  }
}

/** Adds the floating-point library, which is made where a module imports it. */
function addFloatImports(imports: object, { memory, view }: MachineMemory): void {
  let made: FloatFunctions | undefined;
  for (const { name } of FLOAT_FUNCTIONS) {
    const get = () => {
      made ??= floatFunctions(memory, view);
      return made[name];
    };
    Object.defineProperty(imports, name, { get, enumerable: true });
  }
}
