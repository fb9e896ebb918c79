import { BUILT_IN, type HandlerLibrary } from "../interpreter/handlers.ts";
import { tableModule } from "../interpreter/table-functions.ts";

type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * The interpreter's functions once more, each of which comes back behind its instruction: in their table there is, for all
 * that could run next, the function that leaves because there is nothing to run.
 */
export class SteppingCode {
  readonly #table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
  readonly #imports: Imports;
  readonly #handlers: HandlerLibrary;
  readonly #functions: WebAssembly.ExportedFunction[] = [];
  #instantiatedBatches = 0;

  /** @param imports of generated code. */
  constructor(imports: Imports, handlers: HandlerLibrary) {
    this.#handlers = handlers;
    const host = { ...imports["host"], table: this.#table };
    this.#imports = { host: { ...host, ...new WebAssembly.Instance(tableModule(), { host }).exports } };
  }

  /**
   * Runs one instruction.
   * @param handler as `HandlerLibrary.find` gave it.
   * @param places of the table that a record can name.
   * @returns an `ExitReason`: `EXIT.decode` where the instruction is complete, and `STATE.record` is the next one.
   */
  run(handler: number, record: number, places: number): number {
    this.#instantiate();
    this.#fillTable(places);
    const function_ = this.#functions[handler];
    if (function_ === undefined) throw new Error("an instruction has no function");
    return function_(record);
  }

  #instantiate(): void {
    for (; this.#instantiatedBatches < this.#handlers.batches.length; this.#instantiatedBatches++) {
      const batch = this.#handlers.batches[this.#instantiatedBatches];
      if (batch === undefined) return;
      const { exports } = new WebAssembly.Instance(batch.module, this.#imports);
      for (const index of batch.indices) {
        const made = exports[String(index)];
        if (made !== undefined) this.#functions[index] = made;
      }
    }
  }

  #fillTable(places: number): void {
    const leave = this.#functions[BUILT_IN.decode];
    if (leave === undefined || this.#table.length >= places) return;
    for (let place = this.#table.grow(places - this.#table.length); place < places; place++) {
      this.#table.set(place, leave);
    }
  }
}
