/**
 * Flags in a region: kept as the operands of what set them last, and made of them where something asks. Wherever only one kind
 * of instruction leads, the kind is known as the region is translated; a local tells it at run time, for the way out.
 */
import { STATE } from "../layout.ts";
import { conditionOfFlags, isInverted, setComparedFlags, setComputedFlags } from "../semantics/flags.ts";
import type { Computed } from "../semantics/operation.ts";
import type { Code, Local } from "../wasm/code.ts";
import {
  type Expr,
  type Float,
  type FloatType,
  f64,
  type Integer,
  type IntegerType,
  i32,
  i64,
  variable,
} from "../wasm/expression.ts";

export const FLAGS_KIND = {
  /** Where the interpreter has them; what a local that nobody set says. */
  memory: 0,
  /** As `Operation.setFlags` takes them: N in `a`, Z in `b`. */
  explicit: 1,
  sum32: 2,
  sum64: 3,
  difference32: 4,
  difference64: 5,
  /** The result, with its sign, in `a`. */
  logical: 6,
  floats: 7,
} as const;
export type FlagsKind = (typeof FLAGS_KIND)[keyof typeof FLAGS_KIND];

const ZERO = i32.of(0);

type TakeFlags = (n: Expr<"i64">, z: Expr<"i64">, c: Expr<"i32">, v: Expr<"i32">) => void;

export class RegionFlags {
  /** What set them last, where that is known. */
  known: FlagsKind | undefined = FLAGS_KIND.memory;
  /** What set them since the block began. */
  lastSet: FlagsKind | undefined;
  /** What sets them anywhere in the function. */
  readonly kinds: Set<FlagsKind>;
  readonly #code: Code;
  readonly #kind: Local<"i32">;
  readonly #a: Local<"i64">;
  readonly #b: Local<"i64">;
  readonly #c: Local<"i32">;
  readonly #v: Local<"i32">;
  readonly #x: Local<"f64">;
  readonly #y: Local<"f64">;

  /** @param kinds that are known of from before. */
  constructor(code: Code, kinds: ReadonlySet<FlagsKind>) {
    this.#code = code;
    this.kinds = new Set([FLAGS_KIND.explicit, ...kinds]);
    this.#kind = code.lastingLocal("i32");
    this.#a = code.lastingLocal("i64");
    this.#b = code.lastingLocal("i64");
    this.#c = code.lastingLocal("i32");
    this.#v = code.lastingLocal("i32");
    this.#x = code.lastingLocal("f64");
    this.#y = code.lastingLocal("f64");
  }

  /** Begins a block. @param kind what set the flags before; undefined where that depends on the way. */
  begin(kind: FlagsKind | undefined): void {
    this.known = kind;
    this.lastSet = undefined;
  }

  /** @param isConditional what follows does not know whether this happened. */
  setComputed<T extends IntegerType>(type: Integer<T>, computed: Computed<T>, isConditional: boolean): void {
    const code = this.#code;
    const wide = (value: Expr<T>, extend: (narrow: Expr<"i32">) => Expr<"i64">): Expr<"i64"> =>
      type.bits === 64 ? (value as Expr<"i64">) : extend(value as Expr<"i32">);
    if (isConditional) {
      setComputedFlags({ code, setFlags: (n, z, c, v) => this.set(n, z, c, v) }, type, computed);
    } else if (computed.kind === "logical") {
      code.set(this.#a, wide(computed.result, i64.extendS));
      this.#isOf(FLAGS_KIND.logical);
    } else {
      code.set(this.#a, wide(computed.a, i64.extendU));
      code.set(this.#b, wide(computed.b, i64.extendU));
      const kinds =
        computed.kind === "sum"
          ? [FLAGS_KIND.sum32, FLAGS_KIND.sum64]
          : [FLAGS_KIND.difference32, FLAGS_KIND.difference64];
      this.#isOf(kinds[type.bits === 64 ? 1 : 0] ?? FLAGS_KIND.explicit);
    }
  }

  /** As `setComputed`, of a comparison. */
  setCompared<T extends FloatType>(type: Float<T>, a: Expr<T>, b: Expr<T>, isConditional: boolean): void {
    const code = this.#code;
    if (isConditional) {
      setComparedFlags({ code, setFlags: (n, z, c, v) => this.set(n, z, c, v) }, type, a, b);
      return;
    }
    const double = (value: Expr<T>) =>
      type.type === "f64" ? (value as Expr<"f64">) : f64.promote(value as Expr<"f32">);
    code.set(this.#x, double(a));
    code.set(this.#y, double(b));
    this.#isOf(FLAGS_KIND.floats);
  }

  set(n: Expr<"i64">, z: Expr<"i64">, c: Expr<"i32">, v: Expr<"i32">): void {
    const code = this.#code;
    const values = [code.let(n), code.let(z), code.let(c), code.let(v)] as const;
    code.set(this.#a, values[0]);
    code.set(this.#b, values[1]);
    code.set(this.#c, values[2]);
    code.set(this.#v, values[3]);
    this.#isOf(FLAGS_KIND.explicit);
  }

  /** They lie in memory from now on. */
  areInMemory(): void {
    this.#code.set(this.#kind, i32.of(FLAGS_KIND.memory));
    this.known = FLAGS_KIND.memory;
  }

  /** As `Operation.condition`. */
  condition(number: number): Expr<"i32"> {
    if (this.known === undefined) this.#makeExplicit();
    const holds = this.#base(number >> 1);
    return isInverted(number) ? i32.eqz(holds) : holds;
  }

  /** Brings them to where the interpreter looks. */
  store(): void {
    this.#store(this.known);
  }

  #store(kind: FlagsKind | undefined): void {
    if (kind === FLAGS_KIND.memory) return;
    const code = this.#code;
    const take: TakeFlags = (n, z, c, v) => {
      code.store("i64", ZERO, n, STATE.n);
      code.store("i64", ZERO, z, STATE.z);
      code.store("i32", ZERO, c, STATE.c);
      code.store("i32", ZERO, v, STATE.v);
    };
    if (kind !== undefined) this.#make(kind, take);
    else this.#makeAtRunTime(take);
  }

  /** `store` where any instruction of the region may have set them; the region is complete. */
  storeAny(): void {
    this.#store(undefined);
  }

  #isOf(kind: FlagsKind): void {
    this.kinds.add(kind);
    this.#code.set(this.#kind, i32.of(kind));
    this.known = kind;
    this.lastSet = kind;
  }

  #makeAtRunTime(take: TakeFlags): void {
    const code = this.#code;
    for (const kind of this.kinds) {
      code.if(i32.eq(code.get(this.#kind), i32.of(kind)), () => this.#make(kind, take));
    }
  }

  #makeExplicit(): void {
    const code = this.#code;
    const take: TakeFlags = (n, z, c, v) => {
      const values = [code.let(n), code.let(z), code.let(c), code.let(v)] as const;
      code.set(this.#a, values[0]);
      code.set(this.#b, values[1]);
      code.set(this.#c, values[2]);
      code.set(this.#v, values[3]);
    };
    const kind = code.let(variable("i32", this.#kind.index));
    for (const each of [FLAGS_KIND.memory, ...this.kinds]) {
      if (each !== FLAGS_KIND.explicit) code.if(i32.eq(kind, i32.of(each)), () => this.#make(each, take));
    }
    this.#isOf(FLAGS_KIND.explicit);
  }

  /** Gives the flags that a kind stands for, unless they are in memory already. */
  #make(kind: FlagsKind, take: TakeFlags): void {
    const code = this.#code;
    const [a, b] = [code.get(this.#a), code.get(this.#b)];
    const target = { code, setFlags: take };
    const computed = <T extends IntegerType>(type: Integer<T>, name: "sum" | "difference", x: Expr<T>, y: Expr<T>) => {
      const result = code.let(name === "sum" ? type.add(x, y) : type.sub(x, y));
      setComputedFlags(target, type, { kind: name, a: x, b: y, result });
    };
    const narrow = (value: Expr<"i64">) => code.let(i32.wrap(value));
    switch (kind) {
      case FLAGS_KIND.memory:
        take(i64.load(ZERO, STATE.n), i64.load(ZERO, STATE.z), i32.load(ZERO, STATE.c), i32.load(ZERO, STATE.v));
        return;
      case FLAGS_KIND.explicit:
        take(a, b, code.get(this.#c), code.get(this.#v));
        return;
      case FLAGS_KIND.sum32:
        computed(i32, "sum", narrow(a), narrow(b));
        return;
      case FLAGS_KIND.sum64:
        computed(i64, "sum", a, b);
        return;
      case FLAGS_KIND.difference32:
        computed(i32, "difference", narrow(a), narrow(b));
        return;
      case FLAGS_KIND.difference64:
        computed(i64, "difference", a, b);
        return;
      case FLAGS_KIND.logical:
        take(a, a, i32.of(0), i32.of(0));
        return;
      default:
        setComparedFlags(target, f64, code.get(this.#x), code.get(this.#y));
    }
  }

  /** @param kind of condition: its number without the lowest bit, which inverts. */
  #base(kind: number): Expr<"i32"> {
    const code = this.#code;
    const [a, b] = [code.get(this.#a), code.get(this.#b)];
    switch (this.known) {
      case FLAGS_KIND.difference32:
        return ofDifference(i32, i32.wrap(a), i32.wrap(b), kind) ?? this.#inFull(kind);
      case FLAGS_KIND.difference64:
        return ofDifference(i64, a, b, kind) ?? this.#inFull(kind);
      case FLAGS_KIND.sum32:
        return ofSum(i32, code.let(i32.wrap(a)), i32.wrap(b), kind) ?? this.#inFull(kind);
      case FLAGS_KIND.sum64:
        return ofSum(i64, a, b, kind) ?? this.#inFull(kind);
      case FLAGS_KIND.logical:
        return ofLogical(a, kind);
      case FLAGS_KIND.floats:
        return ofFloats(code.get(this.#x), code.get(this.#y), kind);
      default:
        return this.#inFull(kind);
    }
  }

  #inFull(kind: number): Expr<"i32"> {
    const code = this.#code;
    let found: Expr<"i32"> | undefined;
    this.#make(this.known ?? FLAGS_KIND.explicit, (n, z, c, v) => {
      const flags = {
        flagN: () => i64.ltS(n, i64.of(0n)),
        flagZ: () => i64.eqz(z),
        flagC: () => c,
        flagV: () => v,
      };
      found = code.let(conditionOfFlags(flags, 2 * kind));
    });
    return found ?? i32.of(0);
  }
}

/** @returns undefined where a condition is not a comparison of the operands. */
function ofDifference<T extends IntegerType>(
  type: Integer<T>,
  a: Expr<T>,
  b: Expr<T>,
  kind: number,
): Expr<"i32"> | undefined {
  switch (kind) {
    case 0:
      return type.eq(a, b);
    case 1:
      return type.geU(a, b);
    case 2:
      return type.ltS(type.sub(a, b), type.of(0));
    case 4:
      return type.gtU(a, b);
    case 5:
      return type.geS(a, b);
    case 6:
      return type.gtS(a, b);
    case 7:
      return i32.of(1);
    default:
      return undefined;
  }
}

function ofSum<T extends IntegerType>(type: Integer<T>, a: Expr<T>, b: Expr<T>, kind: number): Expr<"i32"> | undefined {
  switch (kind) {
    case 0:
      return type.eqz(type.add(a, b));
    case 1:
      return type.ltU(type.add(a, b), a);
    case 2:
      return type.ltS(type.add(a, b), type.of(0));
    case 7:
      return i32.of(1);
    default:
      return undefined;
  }
}

/** C and V are 0. */
function ofLogical(result: Expr<"i64">, kind: number): Expr<"i32"> {
  switch (kind) {
    case 0:
      return i64.eqz(result);
    case 2:
      return i64.ltS(result, i64.of(0n));
    case 5:
      return i64.geS(result, i64.of(0n));
    case 6:
      return i64.gtS(result, i64.of(0n));
    default:
      return i32.of(kind === 7 ? 1 : 0);
  }
}

function ofFloats(x: Expr<"f64">, y: Expr<"f64">, kind: number): Expr<"i32"> {
  switch (kind) {
    case 0:
      return f64.eq(x, y);
    case 1:
      return i32.eqz(f64.lt(x, y));
    case 2:
      return f64.lt(x, y);
    case 3:
      return i32.eqz(i32.or(f64.le(x, y), f64.ge(x, y)));
    case 4:
      return i32.eqz(f64.le(x, y));
    case 5:
      return f64.ge(x, y);
    case 6:
      return f64.gt(x, y);
    default:
      return i32.of(1);
  }
}
