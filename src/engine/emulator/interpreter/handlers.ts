/**
 * The interpreter's functions: one for all instructions of a row that select alike. They are made when an instruction first
 * needs them, and shared by all machines of the process: a function has the same place in every machine's table.
 */
import { countInstructions } from "../dispatch.ts";
import { HANDLER_SIGNATURE, Imports } from "../host-functions.ts";
import { type Fields, fieldsOf, type Row } from "../instruction/row.ts";
import { decode } from "../instruction/table.ts";
import { RECORD, STATE } from "../layout.ts";
import { EXIT, type Placed, type Semantics } from "../semantics/operation.ts";
import { SEMANTICS } from "../semantics/table.ts";
import { type FunctionBody, moduleBytes } from "../wasm/module.ts";
import { type Filler, RecordOperation, type Selection } from "./operation.ts";

/** Places in the table that every machine has. */
export const BUILT_IN = { decode: 0, nextPage: 1, undefined: 2 } as const;
/** From here on the even places are the handlers', the odd ones those of a machine's regions: both may grow. */
export const FIRST_FREE = 8;
export const PLACES_STEP = 2;

export interface Handler {
  /** Its place in the table. */
  readonly index: number;
  readonly fillers: readonly Filler[];
}

/** Handlers of a row by what their definitions asked for, one question after the other. */
type Choice = Handler | { readonly question: Selection; readonly answers: Map<number, Choice> };

/** What an instruction's word says by itself; no definition where the word is undefined. */
interface Decoded {
  readonly row: Row | undefined;
  readonly semantics: Semantics | undefined;
  readonly fields: Fields;
}

/**
 * Modules that import the table, each of which costs a machine a copy of it. A guest that runs one new kind of instruction after
 * the other needs more modules: those go through `enter`, which is slower.
 */
const TABLE_IMPORTS_MAX = 128;
/** Machines of one image decode the same words. */
const DECODED_MAX = 16_384;

export interface Batch {
  readonly module: WebAssembly.Module;
  /** Their places in the table; the module exports each by its number. */
  readonly indices: readonly number[];
}

export class HandlerLibrary {
  readonly batches: Batch[] = [];
  readonly #rows = new Map<Row, Choice>();
  readonly #decoded = new Map<number, Decoded>();
  readonly #undefined: Handler = { index: BUILT_IN.undefined, fillers: [] };
  #made: FunctionBody[] = [];
  /** Of the module that those are for. */
  #imports = new Imports(true);
  #next = FIRST_FREE;
  readonly #counts: boolean;

  /** @param counts the functions count instructions. */
  constructor(counts: boolean) {
    this.#counts = counts;
    this.#made.push(...builtIn(this.#imports));
    this.flush();
  }

  /** The handler of an instruction; `flush` must follow before it is used. */
  find(word: number, pageOffset: number): { readonly handler: Handler; readonly placed: Placed } {
    const { row, semantics, fields } = this.#decode(word);
    const placed = { fields, pageOffset };
    if (row === undefined || semantics === undefined) return { handler: this.#undefined, placed };
    let choice = this.#rows.get(row);
    while (choice !== undefined && "question" in choice) choice = choice.answers.get(choice.question.compute(placed));
    return { handler: choice ?? this.#make(row, semantics, placed), placed };
  }

  #decode(word: number): Decoded {
    const known = this.#decoded.get(word);
    if (known !== undefined) return known;
    const row = decode(word);
    const semantics = row === undefined ? undefined : SEMANTICS[row.name];
    const decoded = { row, semantics, fields: row === undefined ? {} : fieldsOf(row, word) };
    if (this.#decoded.size >= DECODED_MAX) this.#decoded.clear();
    this.#decoded.set(word, decoded);
    return decoded;
  }

  /** Compiles what was made since. */
  flush(): void {
    if (this.#made.length === 0) return;
    const functions = this.#made;
    const { functions: imports, usesTable } = this.#imports;
    this.#made = [];
    this.#imports = new Imports(this.batches.length + 1 < TABLE_IMPORTS_MAX);
    const bytes = moduleBytes({ tableType: usesTable ? HANDLER_SIGNATURE : undefined, imports, functions });
    this.batches.push({ module: new WebAssembly.Module(bytes), indices: functions.map(({ name }) => Number(name)) });
  }

  #make(row: Row, semantics: Semantics, placed: Placed): Handler {
    const operation = new RecordOperation(placed, this.#imports);
    if (this.#counts) countInstructions(operation.code, STATE.interpreted, 1);
    semantics(operation);
    const index = this.#next;
    this.#next += PLACES_STEP;
    this.#made.push({ name: String(index), signature: HANDLER_SIGNATURE, body: operation.finish() });
    const handler = { index, fillers: operation.fillers };
    this.#keep(row, operation.selections, handler);
    return handler;
  }

  #keep(row: Row, selections: readonly Selection[], handler: Handler): void {
    let put = (choice: Choice): void => {
      this.#rows.set(row, choice);
    };
    let known = this.#rows.get(row);
    for (const question of selections) {
      if (known === undefined) {
        known = { question, answers: new Map() };
        put(known);
      }
      if (!("question" in known) || known.question.key !== question.key) {
        throw new Error(`the definition of ${row.name} does not ask in the same order each time`);
      }
      const { answers }: { readonly answers: Map<number, Choice> } = known;
      put = (choice) => answers.set(question.value, choice);
      known = answers.get(question.value);
    }
    put(handler);
  }
}

function builtIn(imports: Imports): readonly FunctionBody[] {
  const placed = { fields: {}, pageOffset: 0 };
  const exit = (index: number, reason: typeof EXIT.decode | typeof EXIT.undefined): FunctionBody => {
    const operation = new RecordOperation(placed, imports);
    operation.exit(reason);
    return { name: String(index), signature: HANDLER_SIGNATURE, body: operation.finish() };
  };
  const nextPage = new RecordOperation(placed, imports);
  nextPage.branchTo(nextPage.pc());
  return [
    exit(BUILT_IN.decode, EXIT.decode),
    { name: String(BUILT_IN.nextPage), signature: HANDLER_SIGNATURE, body: nextPage.finish() },
    exit(BUILT_IN.undefined, EXIT.undefined),
  ];
}

const HANDLERS = new HandlerLibrary(false);
let countingHandlers: HandlerLibrary | undefined;

/** The functions for all machines of the process; those that count instructions are others. */
export function handlersThat(counts: boolean): HandlerLibrary {
  if (!counts) return HANDLERS;
  countingHandlers ??= new HandlerLibrary(true);
  return countingHandlers;
}

/** Writes an instruction's record. */
export function fillRecord(view: DataView, record: number, { index, fillers }: Handler, placed: Placed): void {
  view.setUint32(record + RECORD.handler, index, true);
  for (const { offset, type, compute } of fillers) {
    const value = compute(placed);
    if (type === "i64") view.setBigUint64(record + offset, BigInt.asUintN(64, BigInt(value)), true);
    else if (type === "u16") view.setUint16(record + offset, Number(value), true);
    else view.setInt32(record + offset, Number(value), true);
  }
}
