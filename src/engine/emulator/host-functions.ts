/** What generated code can import, and the signature of what it is itself. */
import { FLOAT_FUNCTIONS, type FloatFunctionName } from "./float/functions.ts";
import type { AccessBytes, AccessOptions } from "./semantics/operation.ts";
import type { IntegerType } from "./wasm/expression.ts";
import type { FunctionImport, Signature } from "./wasm/module.ts";

const imported = <Name extends string>(
  name: Name,
  parameters: readonly IntegerType[],
  results: readonly IntegerType[],
) => ({
  name,
  signature: { parameters, results },
});

export const HOST_FUNCTIONS = [
  /** Translates the address in `STATE.detail`. Takes what `access` makes; a host address, or -1 where the access traps. */
  imported("translateLoad", ["i32"], ["i32"]),
  imported("translateStore", ["i32"], ["i32"]),
  /** Brings the bounce buffer to where it belongs; 0 where the instruction goes on. */
  imported("finishStore", [], ["i32"]),
  /** A system register by its encoding, into `STATE.detail`; 0 where it is done. */
  imported("readSystemRegister", ["i32"], ["i32"]),
  imported("writeSystemRegister", ["i32", "i64"], ["i32"]),
  /** MSR (immediate): op1:op2 and the value. */
  imported("writeProcessorState", ["i32", "i32"], ["i32"]),
  imported("systemInstruction", ["i32", "i64"], ["i32"]),
] as const satisfies readonly FunctionImport[];

export type HostFunctionName = (typeof HOST_FUNCTIONS)[number]["name"];

/**
 * Through the table, for modules that do not import it: each that does costs the host a copy of the whole table. `enter` runs
 * what a record names, `enterAt` what lies at a place, with a record; both in place of their caller.
 */
export const TABLE_FUNCTIONS = [
  imported("enter", ["i32"], ["i32"]),
  imported("enterAt", ["i32", "i32"], ["i32"]),
] as const satisfies readonly FunctionImport[];

export type TableFunctionName = (typeof TABLE_FUNCTIONS)[number]["name"];
type ImportName = HostFunctionName | TableFunctionName | FloatFunctionName;

/** What there is for modules to import: the processor's functions, those of its table, and those of the floating-point library. */
const IMPORTABLE = new Map<string, FunctionImport>(
  [...HOST_FUNCTIONS, ...TABLE_FUNCTIONS, ...FLOAT_FUNCTIONS].map((function_) => [function_.name, function_]),
);

/**
 * The functions that one module of generated code imports: those that it calls, in the order in which it first does. Each
 * signature among them costs the host more than all the rest of a small module.
 */
export class Imports {
  /** The module imports the table, too. */
  readonly usesTable: boolean;
  readonly #functions: FunctionImport[] = [];
  readonly #indices = new Map<string, number>();

  constructor(usesTable: boolean) {
    this.usesTable = usesTable;
  }

  get functions(): readonly FunctionImport[] {
    return this.#functions;
  }

  /** @returns the function's index in the module. */
  indexOf(name: ImportName): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    const function_ = IMPORTABLE.get(name);
    if (function_ === undefined) throw new Error(`there is no function ${name} to import`);
    const index = this.#functions.push(function_) - 1;
    this.#indices.set(name, index);
    return index;
  }
}

/** Of what the table holds: takes a record, returns an `ExitReason`. */
export const HANDLER_SIGNATURE: Signature = { parameters: ["i32"], results: ["i32"] };

/** The argument of the translating functions. */
export const ACCESS = {
  bytes: 0xff,
  unprivileged: 0x100,
  /** Faults where the address is no multiple of `bytes`. */
  aligned: 0x200,
  /** It reads before it writes: what a read would fault for is told as a read's fault. */
  readsFirst: 0x400,
  /** Logarithm of the bytes of an element: what is to be aligned in memory of devices. */
  elementShift: 12,
  element: 0x7000,
  /** The low four bits of the stack pointer where it is the base. */
  stackShift: 16,
  stack: 0xf_0000,
} as const;

/** What is known of an access before its instruction runs. */
export function accessOf(
  bytes: AccessBytes,
  { isUnprivileged = false, isAligned = false, readsFirst = false, elementBytes }: AccessOptions,
): number {
  const element = Math.log2(elementBytes ?? Math.min(bytes, 16));
  const flags =
    (isUnprivileged ? ACCESS.unprivileged : 0) |
    (isAligned ? ACCESS.aligned : 0) |
    (readsFirst ? ACCESS.readsFirst : 0);
  return bytes | flags | (element << ACCESS.elementShift);
}
