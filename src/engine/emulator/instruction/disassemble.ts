import { PRINTERS } from "./operand-text.ts";
import { fieldsOf } from "./row.ts";
import { decode } from "./table.ts";

/**
 * An instruction in assembly without aliases, e.g. `add x0, x1, #0x10`.
 * @param pc address of the instruction, below 2^53.
 * @returns undefined where the word is not allocated.
 */
export function disassemble(word: number, pc: number): string | undefined {
  const row = decode(word);
  if (row === undefined) return undefined;
  const fields = fieldsOf(row, word);
  return row.syntax.replace(/\{(\w+):(\w+)\}/g, (_, name: string, field: string) => {
    const printer = PRINTERS[name];
    const value = fields[field];
    if (printer === undefined || value === undefined) throw new Error(`${row.name} cannot print {${name}:${field}}`);
    return printer(value, fields, pc);
  });
}
