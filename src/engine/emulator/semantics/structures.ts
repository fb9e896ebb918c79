/** Loads and stores of structures (Arm ARM, C7.2: LD1 to LD4, LD1R to LD4R, ST1 to ST4). */
import { structureLane } from "../instruction/structure-text.ts";
import { multipleName, singleName } from "../instruction/structures.ts";
import type { ElementSize } from "../instruction/vector-fields.ts";
import { type Expr, i32, i64 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { AccessBytes, ElementBytes, Operation, Semantics, SemanticsTable } from "./operation.ts";
import {
  everySecond,
  extentOf,
  type Form,
  keep,
  lanesOf,
  pick,
  prefixOf,
  REGISTER_BYTES,
  replaceLane,
  type Vector,
  ZERO,
} from "./simd-lanes.ts";

type Mode = "no offset" | "post-index by register" | "post-index by immediate";
const MODES: readonly Mode[] = ["no offset", "post-index by register", "post-index by immediate"];

/** An access at the base, which moves once nothing can trap any more. */
function access(
  op: Operation,
  mode: Mode,
  { bytes, elementBytes }: { readonly bytes: number; readonly elementBytes: number },
  loads: boolean,
  transfer: (address: Expr<"i32">) => (() => void) | undefined,
): void {
  const base = mode === "no offset" ? op.readOrStack(i64, "Rn") : op.code.let(op.readOrStack(i64, "Rn"));
  const options = { elementBytes: elementBytes as ElementBytes };
  const place = loads
    ? op.toLoad(base, bytes as AccessBytes, options)
    : op.toStore(base, bytes as AccessBytes, options);
  const finish = transfer(place.address);
  if (!loads) op.finishStore(place);
  finish?.();
  if (mode === "no offset") return;
  const offset = mode === "post-index by register" ? op.read(i64, "Rm") : i64.of(bytes);
  op.writeOrStack(i64, "Rn", i64.add(base, offset));
}

const loadLow = (address: Expr<"i32">, offset: number): Vector =>
  v128.replace("i64x2.replace_lane", ZERO, 0, i64.load(address, offset));

/** What lies there in pieces of a register; the last may be half of one. */
function loadPieces(op: Operation, address: Expr<"i32">, bytes: number): readonly Vector[] {
  const pieces: Vector[] = [];
  for (let at = 0; at < bytes; at += REGISTER_BYTES) {
    pieces.push(op.code.let(bytes - at < REGISTER_BYTES ? loadLow(address, at) : v128.load(address, at)));
  }
  return pieces;
}

function storePiece(op: Operation, address: Expr<"i32">, piece: Vector, at: number, bytes: number): void {
  if (bytes === REGISTER_BYTES) op.code.store("v128", address, piece, at);
  else op.code.store("i64", address, v128.extract("i64x2.extract_lane", piece, 0), at);
}

/** One register after the other. */
function consecutive(registers: number, loads: boolean, mode: Mode): Semantics {
  return (op) => {
    op.requireVectors();
    const size = op.select("size");
    const each = extentOf(op) === "whole" ? REGISTER_BYTES : REGISTER_BYTES / 2;
    const shape = { bytes: registers * each, elementBytes: 1 << size };
    access(op, mode, shape, loads, (address) => {
      const steps = Array.from({ length: registers }, (_, step) => step);
      if (!loads) {
        for (const step of steps) storePiece(op, address, op.readVector("Rt", step), step * each, each);
        return undefined;
      }
      const load = each === REGISTER_BYTES ? v128.load : loadLow;
      const values = steps.map((step) => op.code.let(load(address, step * each)));
      return () => {
        for (const [step, value] of values.entries()) op.writeVector("Rt", value, step);
      };
    });
  };
}

/** Of two vectors the elements by turns: from the lower halves, or from the upper ones. */
function interleave(size: number, a: Vector, b: Vector, isHigh: boolean): Vector {
  const count = REGISTER_BYTES >> size;
  const from = isHigh ? count / 2 : 0;
  const lanes = Array.from({ length: count }, (_, index) => from + (index >> 1) + (index & 1) * count);
  return pick(size, a, b, lanes);
}

/** The elements of three vectors behind one another that a list names, 0 where it names none. */
function gather(op: Operation, size: number, [a, b, c]: readonly Vector[], from: readonly number[]): Vector {
  const count = REGISTER_BYTES >> size;
  if (a === undefined || b === undefined) throw new Error("three vectors are gathered from two at least");
  const first = pick(
    size,
    a,
    b,
    from.map((lane) => (lane < 2 * count ? lane : 0)),
  );
  if (c === undefined) return first;
  return pick(
    size,
    op.code.let(first),
    c,
    from.map((lane, index) => (lane < 2 * count ? index : lane - count)),
  );
}

/** From memory's order: what each register gets; upper halves are zero where memory has so much less. */
function separate(
  op: Operation,
  { size, extent }: Form,
  elements: number,
  pieces: readonly Vector[],
): readonly Vector[] {
  const both = (a: Vector, b: Vector): readonly [Vector, Vector] => [
    op.code.let(everySecond(size, a, b, 0)),
    op.code.let(everySecond(size, a, b, 1)),
  ];
  const [a = ZERO, b = ZERO, c = ZERO, d = ZERO] = pieces;
  if (elements === 2) return both(a, b);
  if (elements === 4) {
    const [even, odd] = both(a, b);
    const [evenAbove, oddAbove] = extent === "whole" ? both(c, d) : [ZERO, ZERO];
    const [first, third] = both(even, evenAbove);
    const [second, fourth] = both(odd, oddAbove);
    return [first, second, third, fourth];
  }
  const [lanes, whole] = [lanesOf({ size, extent }), REGISTER_BYTES >> size];
  return [0, 1, 2].map((register) => {
    // Behind the last half piece there are zeros.
    const from = Array.from({ length: whole }, (_, index) => (index < lanes ? 3 * index + register : 2 * whole - 1));
    return op.code.let(gather(op, size, extent === "whole" ? pieces : [a, b], from));
  });
}

/** Into memory's order. The registers can be used more than once. */
function combine(op: Operation, { size, extent }: Form, registers: readonly Vector[]): readonly Vector[] {
  const [a = ZERO, b = ZERO, c = ZERO, d = ZERO] = registers;
  const halves = extent === "whole" ? [false, true] : [false];
  if (registers.length === 2) return halves.map((isHigh) => interleave(size, a, b, isHigh));
  if (registers.length === 4) {
    return halves.flatMap((isHigh) => {
      const evens = op.code.let(interleave(size, a, c, isHigh));
      const odds = op.code.let(interleave(size, b, d, isHigh));
      return [interleave(size, evens, odds, false), interleave(size, evens, odds, true)];
    });
  }
  const whole = REGISTER_BYTES >> size;
  const pieces = extent === "whole" ? 3 : 2;
  return Array.from({ length: pieces }, (_, piece) => {
    const from = Array.from({ length: whole }, (_, index) => {
      const at = piece * whole + index;
      return (at % 3) * whole + (Math.floor(at / 3) % whole);
    });
    return gather(op, size, registers, from);
  });
}

function interleaved(elements: number, loads: boolean, mode: Mode): Semantics {
  return (op) => {
    op.requireVectors();
    const form: Form = { size: op.select("size") as ElementSize, extent: extentOf(op) };
    const bytes = elements * (lanesOf(form) << form.size);
    access(op, mode, { bytes, elementBytes: 1 << form.size }, loads, (address) => {
      if (loads) {
        const values = separate(op, form, elements, loadPieces(op, address, bytes));
        return () => {
          for (const [step, value] of values.entries()) op.writeVector("Rt", value, step);
        };
      }
      const registers = Array.from({ length: elements }, (_, step) => op.code.let(op.readVector("Rt", step)));
      for (const [index, piece] of combine(op, form, registers).entries()) {
        const at = index * REGISTER_BYTES;
        storePiece(op, address, piece, at, Math.min(bytes - at, REGISTER_BYTES));
      }
      return undefined;
    });
  };
}

function loadElement(size: number, address: Expr<"i32">, offset: number): Expr<"i64"> {
  const load = [i64.load8U, i64.load16U, i64.load32U, i64.load][size] ?? i64.load;
  return load(address, offset);
}

function storeElement(
  op: Operation,
  size: ElementSize,
  address: Expr<"i32">,
  vector: Vector,
  lane: number,
  at: number,
) {
  if (size === 3) op.code.store("i64", address, v128.extract("i64x2.extract_lane", vector, lane), at);
  else if (size === 2) op.code.store("i32", address, v128.extract("i32x4.extract_lane", vector, lane), at);
  else if (size === 1) op.code.store("i16", address, v128.extract("i16x8.extract_lane_u", vector, lane), at);
  else op.code.store("i8", address, v128.extract("i8x16.extract_lane_u", vector, lane), at);
}

function single(elements: number, size: ElementSize, loads: boolean, mode: Mode): Semantics {
  return (op) => {
    op.requireVectors();
    const lane = op.choose("lane", ({ fields }) => structureLane(fields, size));
    const shape = { bytes: elements << size, elementBytes: 1 << size };
    const steps = Array.from({ length: elements }, (_, step) => step);
    access(op, mode, shape, loads, (address) => {
      if (!loads) {
        for (const step of steps) storeElement(op, size, address, op.readVector("Rt", step), lane, step << size);
        return undefined;
      }
      const values = steps.map((step) => op.code.let(loadElement(size, address, step << size)));
      return () => {
        for (const [step, value] of values.entries()) {
          op.writeVector("Rt", replaceLane({ size }, op.readVector("Rt", step), lane, value), step);
        }
      };
    });
  };
}

function replicating(elements: number, mode: Mode): Semantics {
  return (op) => {
    op.requireVectors();
    const form: Form = { size: op.select("size") as ElementSize, extent: extentOf(op) };
    const shape = { bytes: elements << form.size, elementBytes: 1 << form.size };
    access(op, mode, shape, true, (address) => {
      const values = Array.from({ length: elements }, (_, step) =>
        op.code.let(loadElement(form.size, address, step << form.size)),
      );
      return () => {
        for (const [step, value] of values.entries()) op.writeVector("Rt", keep(form, splat(form, value)), step);
      };
    });
  };
}

function splat(form: Form, value: Expr<"i64">): Vector {
  const prefix = prefixOf(form);
  return prefix === "i64x2" ? v128.splat("i64x2.splat", value) : v128.splat(`${prefix}.splat`, i32.wrap(value));
}

const SIZES: readonly ElementSize[] = [0, 1, 2, 3];
const COUNTS = [1, 2, 3, 4];

function definitions(mode: Mode): SemanticsTable {
  const table: Record<string, Semantics> = {};
  for (const [mnemonic, loads] of [
    ["LD", true],
    ["ST", false],
  ] as const) {
    for (const count of COUNTS) {
      table[multipleName(mnemonic, 1, count, mode)] = consecutive(count, loads, mode);
      if (count > 1) table[multipleName(mnemonic, count, count, mode)] = interleaved(count, loads, mode);
      for (const size of SIZES) table[singleName(mnemonic, count, size, mode)] = single(count, size, loads, mode);
    }
  }
  for (const count of COUNTS) table[`LD${count}R, ${mode}`] = replicating(count, mode);
  return table;
}

export const STRUCTURES: SemanticsTable = Object.assign({}, ...MODES.map(definitions));
