/** The guest's registers in locals of a region's function: loaded at its entry, stored on its way out. */
import { SLOT, STATE } from "../layout.ts";
import type { Code, Local } from "../wasm/code.ts";
import { type Expr, i32, i64, variable } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";

/** Registers by number: general ones by their slot, and SIMD&FP ones. */
export interface RegisterSets {
  readonly general: Set<number>;
  readonly vector: Set<number>;
}

/** What a region's instructions use. */
export interface RegisterUse {
  readonly read: RegisterSets;
  readonly written: RegisterSets;
}

export function noRegisters(): RegisterUse {
  return {
    read: { general: new Set(), vector: new Set() },
    written: { general: new Set(), vector: new Set() },
  };
}

const ZERO = i32.of(0);

export class RegionRegisters {
  /** Filled as instructions are translated. */
  readonly use = noRegisters();
  readonly #code: Code;
  readonly #general = new Map<number, Local<"i64">>();
  readonly #vector = new Map<number, Local<"v128">>();

  constructor(code: Code) {
    this.#code = code;
  }

  /** @param slot of the state: 31 reads zero. */
  read(slot: number): Expr<"i64"> {
    if (slot === SLOT.zero) return i64.of(0n);
    this.use.read.general.add(slot);
    return variable("i64", this.#generalLocal(slot).index);
  }

  write(slot: number, value: Expr<"i64">): void {
    if (slot === SLOT.zero) return;
    this.use.written.general.add(slot);
    this.#code.set(this.#generalLocal(slot), value);
  }

  readVector(register: number): Expr<"v128"> {
    this.use.read.vector.add(register);
    return variable("v128", this.#vectorLocal(register).index);
  }

  writeVector(register: number, value: Expr<"v128">): void {
    this.use.written.vector.add(register);
    this.#code.set(this.#vectorLocal(register), value);
  }

  /** Brings what a region uses from memory into locals. @param use of the whole region. */
  load({ read, written }: RegisterUse): void {
    const code = this.#code;
    for (const slot of new Set([...read.general, ...written.general])) {
      code.set(this.#generalLocal(slot), i64.load(ZERO, STATE.x(slot)));
    }
    for (const register of new Set([...read.vector, ...written.vector])) {
      code.set(this.#vectorLocal(register), v128.load(ZERO, STATE.vector(register)));
    }
  }

  /** Brings what a region writes from locals to memory. */
  store({ written }: RegisterUse): void {
    const code = this.#code;
    for (const slot of written.general) {
      code.store("i64", ZERO, code.get(this.#generalLocal(slot)), STATE.x(slot));
    }
    for (const register of written.vector) {
      code.store("v128", ZERO, code.get(this.#vectorLocal(register)), STATE.vector(register));
    }
  }

  #generalLocal(slot: number): Local<"i64"> {
    return kept(this.#general, slot, () => this.#code.local("i64"));
  }

  #vectorLocal(register: number): Local<"v128"> {
    return kept(this.#vector, register, () => this.#code.local("v128"));
  }
}

function kept<V>(map: Map<number, V>, key: number, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
