import { signed } from "../instruction/row.ts";
import { type Expr, i32, i64 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import { extended, field } from "./integer.ts";
import type { AccessBytes, AccessOptions, ElementBytes, Operation, Semantics, SemanticsTable } from "./operation.ts";

/** How one register goes to memory and comes from it. */
interface Transfer {
  readonly bytes: AccessBytes;
  readonly isVector: boolean;
  readonly load: (op: Operation, address: Expr<"i32">, name: string) => () => void;
  readonly store: (op: Operation, address: Expr<"i32">, name: string) => void;
}

/** Loads come first, writes later: the second of a pair may trap. */
function general(bytes: AccessBytes, load: (address: Expr<"i32">) => Expr<"i64">): Transfer {
  return {
    bytes,
    isVector: false,
    load: (op, address, name) => {
      const value = op.code.let(load(address));
      return () => op.write(i64, name, value);
    },
    store: (op, address, name) => {
      if (bytes === 8) op.code.store("i64", address, op.read(i64, name));
      else op.code.store(bytes === 4 ? "i32" : bytes === 2 ? "i16" : "i8", address, op.read(i32, name));
    },
  };
}

/** With the sign up to 32 bits, then zeros. */
const signedNarrow = (value: Expr<"i32">) => i64.extendU(value);

function vector(bytes: AccessBytes): Transfer {
  const zero = () => v128.of(0n);
  const load = (address: Expr<"i32">): Expr<"v128"> => {
    switch (bytes) {
      case 1:
        return v128.replace("i8x16.replace_lane", zero(), 0, i32.load8U(address));
      case 2:
        return v128.replace("i16x8.replace_lane", zero(), 0, i32.load16U(address));
      case 4:
        return v128.replace("i32x4.replace_lane", zero(), 0, i32.load(address));
      case 8:
        return v128.replace("i64x2.replace_lane", zero(), 0, i64.load(address));
      default:
        return v128.load(address);
    }
  };
  return {
    bytes,
    isVector: true,
    load: (op, address, name) => {
      const value = op.code.let(load(address));
      return () => op.writeVector(name, value);
    },
    store: (op, address, name) => {
      const value = op.readVector(name);
      if (bytes === 16) op.code.store("v128", address, value);
      else if (bytes === 8) op.code.store("i64", address, v128.extract("i64x2.extract_lane", value, 0));
      else {
        const width = bytes === 4 ? "i32" : bytes === 2 ? "i16" : "i8";
        op.code.store(width, address, v128.extract("i32x4.extract_lane", value, 0));
      }
    },
  };
}

const TRANSFERS: Readonly<Record<string, Transfer>> = {
  STRB: general(1, i64.load8U),
  LDRB: general(1, i64.load8U),
  "LDRSB (64-bit)": general(1, i64.load8S),
  "LDRSB (32-bit)": general(1, (address) => signedNarrow(i32.load8S(address))),
  STRH: general(2, i64.load16U),
  LDRH: general(2, i64.load16U),
  "LDRSH (64-bit)": general(2, i64.load16S),
  "LDRSH (32-bit)": general(2, (address) => signedNarrow(i32.load16S(address))),
  "STR (32-bit)": general(4, i64.load32U),
  "LDR (32-bit)": general(4, i64.load32U),
  LDRSW: general(4, i64.load32S),
  "STR (64-bit)": general(8, i64.load),
  "LDR (64-bit)": general(8, i64.load),
};
const VECTORS: Readonly<Record<string, Transfer>> = {
  b: vector(1),
  h: vector(2),
  s: vector(4),
  d: vector(8),
  q: vector(16),
};

/** Does one register's transfer at an address, and whatever else belongs to it once it can no longer trap. */
function transfer(
  op: Operation,
  { bytes, load, store }: Transfer,
  loads: boolean,
  address: Expr<"i64">,
  options?: AccessOptions,
  finish?: () => void,
): void {
  if (loads) {
    const write = load(op, op.toLoad(address, bytes, options).address, "Rt");
    // The loaded register last: it may be the base, whose new value is lost then (C6.1, constrained unpredictable).
    finish?.();
    write();
    return;
  }
  const place = op.toStore(address, bytes, options);
  store(op, place.address, "Rt");
  op.finishStore(place);
  finish?.();
}

const imm9 = (op: Operation) => op.i64((fields) => BigInt(signed(field(fields, "imm9"), 9)));

function singles(name: string, how: Transfer, loads: boolean): SemanticsTable {
  const scale = BigInt(Math.log2(how.bytes));
  const begin = (op: Operation) => {
    if (how.isVector) op.requireVectors();
  };
  const at = (address: (op: Operation) => Expr<"i64">, options?: AccessOptions): Semantics => {
    return (op) => {
      begin(op);
      transfer(op, how, loads, address(op), options);
    };
  };
  const writeBack = (isPost: boolean): Semantics => {
    return (op) => {
      begin(op);
      const base = op.code.let(op.readOrStack(i64, "Rn"));
      const moved = op.code.let(i64.add(base, imm9(op)));
      transfer(op, how, loads, isPost ? base : moved, undefined, () => op.writeOrStack(i64, "Rn", moved));
    };
  };
  const unscaled = (op: Operation) => i64.add(op.readOrStack(i64, "Rn"), imm9(op));
  return {
    [`${name}, unsigned offset`]: at((op) => {
      const offset = op.i64((fields) => BigInt(field(fields, "imm12")) << scale);
      return i64.add(op.readOrStack(i64, "Rn"), offset);
    }),
    [`${name}, unscaled`]: at(unscaled),
    ...(how.isVector ? {} : { [`${name}, unprivileged`]: at(unscaled, { isUnprivileged: true }) }),
    [`${name}, register`]: at((op) => {
      const index = extended(op, "Rm", op.select("option"));
      const amount = op.select("S") === 1 ? scale : 0n;
      return i64.add(op.readOrStack(i64, "Rn"), i64.shl(index, i64.of(amount)));
    }),
    [`${name}, post-index`]: writeBack(true),
    [`${name}, pre-index`]: writeBack(false),
  };
}

function pairs(name: string, { bytes, isVector, load, store }: Transfer, loads: boolean): SemanticsTable {
  const both = (2 * bytes) as AccessBytes;
  const each = { elementBytes: bytes as ElementBytes };
  const offset = (op: Operation) => op.i64((fields) => BigInt(signed(field(fields, "imm7"), 7) * bytes));
  const move = (op: Operation, address: Expr<"i64">, finish?: () => void) => {
    if (loads) {
      const from = op.toLoad(address, both, each).address;
      const first = load(op, from, "Rt");
      const second = load(op, i32.add(from, i32.of(bytes)), "Rt2");
      finish?.();
      first();
      second();
      return;
    }
    const place = op.toStore(address, both, each);
    store(op, place.address, "Rt");
    store(op, i32.add(place.address, i32.of(bytes)), "Rt2");
    op.finishStore(place);
    finish?.();
  };
  const plain: Semantics = (op) => {
    if (isVector) op.requireVectors();
    move(op, i64.add(op.readOrStack(i64, "Rn"), offset(op)));
  };
  const writeBack = (isPost: boolean): Semantics => {
    return (op) => {
      if (isVector) op.requireVectors();
      const base = op.code.let(op.readOrStack(i64, "Rn"));
      const moved = op.code.let(i64.add(base, offset(op)));
      move(op, isPost ? base : moved, () => op.writeOrStack(i64, "Rn", moved));
    };
  };
  return {
    [`${name}, offset`]: plain,
    ...(name === "LDPSW" ? {} : { [`${name}, non-temporal`]: plain }),
    [`${name}, post-index`]: writeBack(true),
    [`${name}, pre-index`]: writeBack(false),
  };
}

const literal = (how: Transfer): Semantics => {
  return (op) => {
    if (how.isVector) op.requireVectors();
    const offset = op.i64((fields) => BigInt(4 * signed(field(fields, "imm19"), 19)));
    transfer(op, how, true, i64.add(op.pc(), offset));
  };
};

function known(table: Readonly<Record<string, Transfer>>, name: string): Transfer {
  const found = table[name];
  if (found === undefined) throw new Error(`no transfer ${name}`);
  return found;
}

const PREFETCH: Semantics = () => {};
const MODES = ["unsigned offset", "unscaled", "register"] as const;

export const LOADS_AND_STORES: SemanticsTable = {
  ...Object.assign({}, ...Object.entries(TRANSFERS).map(([name, how]) => singles(name, how, name.startsWith("LD")))),
  ...Object.assign(
    {},
    ...Object.entries(VECTORS).flatMap(([letter, how]) => [
      singles(`LDR (${letter})`, how, true),
      singles(`STR (${letter})`, how, false),
      letter === "b" || letter === "h" ? {} : pairs(`LDP (${letter})`, how, true),
      letter === "b" || letter === "h" ? {} : pairs(`STP (${letter})`, how, false),
    ]),
  ),
  ...pairs("LDP (32-bit)", known(TRANSFERS, "LDR (32-bit)"), true),
  ...pairs("LDP (64-bit)", known(TRANSFERS, "LDR (64-bit)"), true),
  ...pairs("STP (32-bit)", known(TRANSFERS, "STR (32-bit)"), false),
  ...pairs("STP (64-bit)", known(TRANSFERS, "STR (64-bit)"), false),
  ...pairs("LDPSW", known(TRANSFERS, "LDRSW"), true),
  "LDR (literal, 32-bit)": literal(known(TRANSFERS, "LDR (32-bit)")),
  "LDR (literal, 64-bit)": literal(known(TRANSFERS, "LDR (64-bit)")),
  "LDRSW (literal)": literal(known(TRANSFERS, "LDRSW")),
  "LDR (literal, s)": literal(known(VECTORS, "s")),
  "LDR (literal, d)": literal(known(VECTORS, "d")),
  "LDR (literal, q)": literal(known(VECTORS, "q")),
  "PRFM (literal)": PREFETCH,
  ...Object.fromEntries(MODES.map((mode) => [`PRFM, ${mode}`, PREFETCH])),
};
