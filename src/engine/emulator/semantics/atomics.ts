/** Exclusives, acquire and release, and read-modify-write. With one processor every access is whole and in order. */
import { STATE } from "../layout.ts";
import { type Expr, i32, i64, select } from "../wasm/expression.ts";
import type { AccessBytes, Operation, Semantics, SemanticsTable } from "./operation.ts";

const ALIGNED = { isAligned: true } as const;
const ATOMIC = { isAligned: true, readsFirst: true } as const;
const NOBODY = i64.of(-1n);

const LOAD = { 1: i64.load8U, 2: i64.load16U, 4: i64.load32U, 8: i64.load } as const;
type SingleBytes = keyof typeof LOAD;

function singleBytes(op: Operation): SingleBytes {
  return [1, 2, 4, 8][op.select("size")] as SingleBytes;
}

function store(op: Operation, bytes: SingleBytes, address: Expr<"i32">, value: Expr<"i64">): void {
  if (bytes === 8) op.code.store("i64", address, value);
  else op.code.store(bytes === 4 ? "i32" : bytes === 2 ? "i16" : "i8", address, i32.wrap(value));
}

function state(op: Operation, at: number, value: Expr<"i64">): void {
  op.code.store("i64", i32.of(0), value, at);
}

const stateOf = (at: number) => i64.load(i32.of(0), at);

const loadAcquire: Semantics = (op) => {
  const bytes = singleBytes(op);
  op.write(i64, "Rt", LOAD[bytes](op.toLoad(op.readOrStack(i64, "Rn"), bytes, ALIGNED).address));
};

const storeRelease: Semantics = (op) => {
  const bytes = singleBytes(op);
  const place = op.toStore(op.readOrStack(i64, "Rn"), bytes, ALIGNED);
  store(op, bytes, place.address, op.read(i64, "Rt"));
  op.finishStore(place);
};

const loadExclusive: Semantics = (op) => {
  const bytes = singleBytes(op);
  const address = op.code.let(op.readOrStack(i64, "Rn"));
  const value = op.code.let(LOAD[bytes](op.toLoad(address, bytes, ALIGNED).address));
  state(op, STATE.exclusiveAddress, address);
  state(op, STATE.exclusiveLow, value);
  op.write(i64, "Rt", value);
};

/** Half of a pair. */
function pairType(op: Operation) {
  return op.select("sz") === 1 ? ({ bytes: 8, load: i64.load } as const) : ({ bytes: 4, load: i64.load32U } as const);
}

const loadExclusivePair: Semantics = (op) => {
  const { bytes, load } = pairType(op);
  const address = op.code.let(op.readOrStack(i64, "Rn"));
  const from = op.toLoad(address, (2 * bytes) as AccessBytes, ALIGNED).address;
  const low = op.code.let(load(from));
  const high = op.code.let(load(from, bytes));
  state(op, STATE.exclusiveAddress, address);
  state(op, STATE.exclusiveLow, low);
  state(op, STATE.exclusiveHigh, high);
  op.write(i64, "Rt", low);
  op.write(i64, "Rt2", high);
};

/** Stores where the address is the marked one and memory still holds what was loaded; the status is 0 then, else 1. */
const storeExclusive = (isPair: boolean): Semantics => {
  return (op) => {
    const { code } = op;
    const half = isPair ? pairType(op).bytes : singleBytes(op);
    const bytes = (isPair ? 2 * half : half) as AccessBytes;
    const address = code.let(op.readOrStack(i64, "Rn"));
    const low = code.let(op.read(i64, "Rt"));
    const high = code.let(isPair ? op.read(i64, "Rt2") : i64.of(0n));
    const status = code.local("i32");
    code.set(status, i32.of(1));
    code.if(i64.eq(address, stateOf(STATE.exclusiveAddress)), () => {
      const place = op.toStore(address, bytes, ALIGNED);
      const same = (at: number, expected: number) =>
        i64.eq(LOAD[half](place.address, at), cut(stateOf(expected), half));
      const isSame = same(0, STATE.exclusiveLow);
      code.if(isPair ? i32.and(isSame, same(half, STATE.exclusiveHigh)) : isSame, () => {
        store(op, half, place.address, low);
        if (isPair) store(op, half, i32.add(place.address, i32.of(half)), high);
        op.finishStore(place);
        code.set(status, i32.of(0));
      });
    });
    state(op, STATE.exclusiveAddress, NOBODY);
    op.write(i32, "Rs", code.get(status));
  };
};

/** The width that decides comparison: registers hold more than a byte. */
function cut(value: Expr<"i64">, bytes: SingleBytes): Expr<"i64"> {
  return bytes === 8 ? value : i64.and(value, i64.of((1n << BigInt(8 * bytes)) - 1n));
}

const compareAndSwap: Semantics = (op) => {
  const { code } = op;
  const bytes = singleBytes(op);
  const place = op.toStore(op.readOrStack(i64, "Rn"), bytes, ATOMIC);
  const old = code.let(LOAD[bytes](place.address));
  const value = code.let(op.read(i64, "Rt"));
  code.if(i64.eq(old, cut(op.read(i64, "Rs"), bytes)), () => {
    store(op, bytes, place.address, value);
    op.finishStore(place);
  });
  op.write(i64, "Rs", old);
};

const compareAndSwapPair: Semantics = (op) => {
  const { code } = op;
  const { bytes, load } = pairType(op);
  const place = op.toStore(op.readOrStack(i64, "Rn"), (2 * bytes) as AccessBytes, ATOMIC);
  const low = code.let(load(place.address));
  const high = code.let(load(place.address, bytes));
  const sameLow = i64.eq(low, cut(op.read(i64, "Rs"), bytes));
  const sameHigh = i64.eq(high, cut(op.readNext(i64, "Rs"), bytes));
  const newLow = code.let(op.read(i64, "Rt"));
  const newHigh = code.let(op.readNext(i64, "Rt"));
  code.if(i32.and(sameLow, sameHigh), () => {
    store(op, bytes, place.address, newLow);
    store(op, bytes, i32.add(place.address, i32.of(bytes)), newHigh);
    op.finishStore(place);
  });
  op.write(i64, "Rs", low);
  op.writeNext(i64, "Rs", high);
};

type Combine = (old: Expr<"i64">, value: Expr<"i64">, bytes: SingleBytes) => Expr<"i64">;

const modify = (combine: Combine): Semantics => {
  return (op) => {
    const { code } = op;
    const bytes = singleBytes(op);
    const place = op.toStore(op.readOrStack(i64, "Rn"), bytes, ATOMIC);
    const old = code.let(LOAD[bytes](place.address));
    const value = code.let(op.read(i64, "Rs"));
    store(op, bytes, place.address, combine(old, value, bytes));
    op.finishStore(place);
    op.write(i64, "Rt", old);
  };
};

/** As 64 bits with the sign of so many bytes. */
function withSign(value: Expr<"i64">, bytes: SingleBytes): Expr<"i64"> {
  if (bytes === 8) return value;
  return bytes === 4 ? i64.extend32(value) : bytes === 2 ? i64.extend16(value) : i64.extend8(value);
}

const pickSigned = (compare: typeof i64.gtS): Combine => {
  return (old, value, bytes) => select(compare(withSign(old, bytes), withSign(value, bytes)), old, value);
};
const pickUnsigned = (compare: typeof i64.gtU): Combine => {
  return (old, value, bytes) => select(compare(old, cut(value, bytes)), old, value);
};

export const ATOMICS: SemanticsTable = {
  LDAR: loadAcquire,
  STLR: storeRelease,
  LDXR: loadExclusive,
  LDAXR: loadExclusive,
  LDXP: loadExclusivePair,
  LDAXP: loadExclusivePair,
  STXR: storeExclusive(false),
  STLXR: storeExclusive(false),
  STXP: storeExclusive(true),
  STLXP: storeExclusive(true),
  CAS: compareAndSwap,
  CASP: compareAndSwapPair,
  LDADD: modify((old, value) => i64.add(old, value)),
  LDCLR: modify((old, value) => i64.and(old, i64.not(value))),
  LDEOR: modify((old, value) => i64.xor(old, value)),
  LDSET: modify((old, value) => i64.or(old, value)),
  LDSMAX: modify(pickSigned(i64.gtS)),
  LDSMIN: modify(pickSigned(i64.ltS)),
  LDUMAX: modify(pickUnsigned(i64.gtU)),
  LDUMIN: modify(pickUnsigned(i64.ltU)),
  SWP: modify((_, value) => value),
};
