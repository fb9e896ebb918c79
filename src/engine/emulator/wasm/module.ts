/** A WebAssembly module in bytes (Core Specification, 5.5). */
import { type Body, TYPE_CODE } from "./code.ts";
import type { ValueType } from "./expression.ts";
import { unsigned } from "./leb128.ts";

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface FunctionImport {
  readonly name: string;
  readonly signature: Signature;
}

export interface FunctionBody {
  /** Exported by it; undefined where it is not. */
  readonly name: string | undefined;
  readonly signature: Signature;
  readonly body: Body;
}

export interface ModuleParts {
  /** Type 0, for calls through the table; undefined where there are none, and the table is not imported. */
  readonly tableType: Signature | undefined;
  /** All from the namespace `host`, which also has `memory` and `table`. */
  readonly imports: readonly FunctionImport[];
  readonly functions: readonly FunctionBody[];
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const NAMESPACE = "host";
const FUNCTION_TYPE = 0x60;
const FUNCREF = 0x70;
/** Limits with a maximum, of a shared memory (Threads proposal, "Binary format"). */
const SHARED_MEMORY = 3;
const MEMORY_PAGES_MAX = 65536;
const HINTS = "metadata.code.branch_hint";
const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

/** Each distinct signature once, in order of first use, and where each lies. */
function typeIndices(signatures: readonly Signature[]): {
  readonly distinct: readonly Signature[];
  readonly indices: readonly number[];
} {
  const keys: string[] = [];
  const distinct: Signature[] = [];
  const indices = signatures.map((signature) => {
    const key = `${signature.parameters}:${signature.results}`;
    const known = keys.indexOf(key);
    if (known >= 0) return known;
    keys.push(key);
    distinct.push(signature);
    return keys.length - 1;
  });
  return { distinct, indices };
}

export function moduleBytes({ tableType, imports, functions }: ModuleParts): Uint8Array<ArrayBuffer> {
  const tables = tableType === undefined ? [] : [tableType];
  const { distinct, indices } = typeIndices([
    ...tables,
    ...[...imports, ...functions].map(({ signature }) => signature),
  ]);
  const typeOf = (index: number) => unsigned(indices[tables.length + index] ?? 0);
  const imported = [
    [...name(NAMESPACE), ...name("memory"), 2, SHARED_MEMORY, ...unsigned(1), ...unsigned(MEMORY_PAGES_MAX)],
    ...tables.map(() => [...name(NAMESPACE), ...name("table"), 1, FUNCREF, 0, ...unsigned(0)]),
    ...imports.map(({ name: import_ }, index) => [...name(NAMESPACE), ...name(import_), 0, ...typeOf(index)]),
  ];
  return new Uint8Array(
    HEADER.concat(
      section(SECTION.type, distinct.map(typeBytes)),
      section(SECTION.import, imported),
      section(
        SECTION.function,
        functions.map((_, index) => typeOf(imports.length + index)),
      ),
      section(
        SECTION.export,
        functions.flatMap((made, index) =>
          made.name === undefined ? [] : [[...name(made.name), 0, ...unsigned(imports.length + index)]],
        ),
      ),
      hints(functions, imports.length),
      section(
        SECTION.code,
        functions.map(({ body }) => body.bytes),
      ),
    ),
  );
}

/** What conditions nearly always are, for hosts that know the section (Branch Hinting proposal). */
function hints(functions: readonly FunctionBody[], imports: number): readonly number[] {
  const entries = functions.flatMap(({ body }, index) => {
    if (body.hints.length === 0) return [];
    const each = body.hints.flatMap(({ at, holds }) => [...unsigned(at), 1, holds ? 1 : 0]);
    return [[...unsigned(imports + index), ...unsigned(body.hints.length), ...each]];
  });
  if (entries.length === 0) return [];
  const content = [...name(HINTS)].concat(unsigned(entries.length), ...entries);
  return [SECTION.custom, ...unsigned(content.length), ...content];
}

function typeBytes({ parameters, results }: Signature): readonly number[] {
  const types = (list: readonly ValueType[]) => [...unsigned(list.length), ...list.map((type) => TYPE_CODE[type])];
  return [FUNCTION_TYPE, ...types(parameters), ...types(results)];
}

function name(text: string): readonly number[] {
  const bytes = [...text].map((letter) => letter.charCodeAt(0));
  return [...unsigned(bytes.length), ...bytes];
}

function section(id: number, entries: readonly (readonly number[])[]): readonly number[] {
  const content = unsigned(entries.length).concat(...entries);
  return [id, ...unsigned(content.length), ...content];
}
