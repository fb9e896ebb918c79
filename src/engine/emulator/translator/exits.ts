/**
 * The ways out of a region's function. All but calls lead through one place, which brings the registers back to memory and then
 * goes on as a local says: to the record of an address, to the interpreter's function of one instruction, or back to the caller.
 */
import { countHeat, countInstructions, returnIfCalled } from "../dispatch.ts";
import type { Imports } from "../host-functions.ts";
import { CODE, CODE_PAGES, RETURNS, STATE, TRANSLATION, TRANSLATION_TABLES } from "../layout.ts";
import { EXIT } from "../semantics/operation.ts";
import type { Code, Label, Local } from "../wasm/code.ts";
import { callOf, type Expr, i32, i64, localGet } from "../wasm/expression.ts";
import type { RegisterSet } from "./registers.ts";

/** What the way out does; a positive number is the place in the table of the function that is to run. */
const WAY = { go: 0, return: -1, budget: -2 } as const;

/** The function's only parameter: the record of the region's entry. */
export const RECORD_PARAMETER = localGet("i32", 0);
const ZERO = i32.of(0);
/** Of an address of code: its page, and the bits that must be zero. */
const CODE_PAGE_MASK = ~0xffcn;

export class RegionExits {
  readonly #code: Code;
  readonly #imports: Imports;
  readonly #level: 0 | 1;
  readonly #target: Local<"i64">;
  readonly #way: Local<"i32">;
  /** By what they store. */
  readonly #out = new Map<RegisterSet, Label>();
  /** What differs from memory where the next instruction leaves. */
  #stored: RegisterSet = 0n;
  readonly #counts: boolean;
  /** Instructions of the block that are done where the next way out leads, and are not counted yet. */
  complete = 0;
  /** Number of ways out that were written. */
  count = 0;

  /** @param counts instructions are counted in the state. */
  constructor(code: Code, imports: Imports, level: 0 | 1, counts: boolean) {
    this.#code = code;
    this.#imports = imports;
    this.#level = level;
    this.#counts = counts;
    this.#target = code.lastingLocal("i64");
    this.#way = code.lastingLocal("i32");
  }

  /**
   * @param sets what ways out store.
   * @param body leaves by the methods below alone.
   * @param store brings registers to memory.
   * @param finish brings the rest.
   */
  around(sets: readonly RegisterSet[], body: () => void, store: (set: RegisterSet) => void, finish: () => void): void {
    const code = this.#code;
    code.block((all) => {
      const within = ([set, ...others]: readonly RegisterSet[]): void => {
        if (set === undefined) {
          body();
          code.unreachable();
          return;
        }
        code.block((out) => {
          this.#out.set(set, out);
          within(others);
        });
        store(set);
        code.branch(all);
      };
      within(sets);
    });
    finish();
    this.#finish();
  }

  /** What the ways out that are written next store. */
  get stored(): RegisterSet {
    return this.#stored;
  }

  set stored(set: RegisterSet) {
    this.#stored = set;
  }

  /** Runs what lies at an address. */
  goTo(target: Expr<"i64">): void {
    this.#leave(target, WAY.go);
  }

  /** Runs one instruction in the interpreter, and what follows it. @param handler its function's place in the table. */
  interpret(pc: bigint, handler: number): void {
    this.#leave(i64.of(pc), handler);
  }

  /** Goes where a call came from. */
  returnTo(target: Expr<"i64">): void {
    this.#leave(target, WAY.return);
  }

  /** The budget is used up: an address is where to go on. */
  stop(pc: bigint): void {
    this.#leave(i64.of(pc), WAY.budget);
  }

  /**
   * Runs a function of the guest until it returns; registers, flags and budget are in memory. Where it does not return, so does
   * the region not: what runs on then is where the function left.
   * @param link the address behind the call.
   * @param direct the function's index in the module, where it is translated there.
   */
  call(target: Expr<"i64">, link: bigint, direct: number | undefined): void {
    const code = this.#code;
    code.set(this.#target, target);
    const top = code.let(i32.load(ZERO, STATE.returns));
    code.rarely(i32.geU(top, i32.of(RETURNS.end)), () => this.#tailCall());
    code.store("i64", top, i64.of(link), RETURNS.entryBytes);
    code.store("i32", ZERO, i32.add(top, i32.of(RETURNS.entryBytes)), STATE.returns);
    const reason = code.let(direct === undefined ? this.#callFound() : callOf("i32", direct, [RECORD_PARAMETER]));
    code.rarely(reason, () => code.return(reason));
  }

  #callFound(): Expr<"i32"> {
    const record = this.#find();
    countHeat(this.#code, record);
    return callOf("i32", this.#imports.indexOf("enter"), [record]);
  }

  /** Leaves so that TypeScript looks for the record of an address. */
  resolve(pc: bigint): void {
    this.#code.store("i64", ZERO, i64.of(pc), STATE.target);
    this.#code.return(i32.of(EXIT.target));
  }

  #leave(target: Expr<"i64">, way: number): void {
    const code = this.#code;
    const out = this.#out.get(this.#stored);
    this.count++;
    if (this.#counts) countInstructions(code, STATE.translated, this.complete);
    code.set(this.#target, target);
    code.set(this.#way, i32.of(way));
    if (out === undefined) code.unreachable();
    else code.branch(out);
  }

  #finish(): void {
    const code = this.#code;
    const way = code.get(this.#way);
    code.if(i32.ltS(way, ZERO), () => {
      code.rarely(i32.eq(way, i32.of(WAY.budget)), () => this.#giveUp());
      returnIfCalled(code, code.get(this.#target));
    });
    code.if(i32.gtS(way, ZERO), () => {
      const record = this.#find();
      code.returnCall(this.#imports.indexOf("enterAt"), [record, way]);
    });
    this.#tailCall();
  }

  #tailCall(): void {
    const record = this.#find();
    countHeat(this.#code, record);
    this.#code.returnCall(this.#imports.indexOf("enter"), [record]);
  }

  /** The record of the target, which the interpreter is then at; leaves where there is none at hand. */
  #find(): Expr<"i32"> {
    const code = this.#code;
    const target = code.get(this.#target);
    const low = code.let(i32.wrap(target));
    const index = i32.and(i32.shrU(low, i32.of(8)), i32.of((CODE_PAGES - 1) * TRANSLATION.bytes));
    const entry = code.let(index);
    const table = TRANSLATION_TABLES[this.#level] + CODE;
    const tag = i64.and(target, i64.of(CODE_PAGE_MASK));
    code.rarely(i64.ne(i64.load(entry, table + TRANSLATION.tag), tag), () => this.#giveUp());
    const first = i32.load(entry, table + TRANSLATION.addend);
    const record = code.let(i32.add(first, i32.shl(i32.and(low, i32.of(0xffc)), i32.of(3))));
    code.store("i64", ZERO, i64.sub(target, i64.extendU(i32.shrU(record, i32.of(3)))), STATE.pcBase);
    return record;
  }

  #giveUp(): void {
    this.#code.store("i64", ZERO, this.#code.get(this.#target), STATE.target);
    this.#code.return(i32.of(EXIT.target));
  }
}
