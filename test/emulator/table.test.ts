import { expect, it } from "vitest";
import { INSTRUCTIONS } from "../../src/engine/emulator/instruction/table.ts";
import { SEMANTICS } from "../../src/engine/emulator/semantics/table.ts";

it("defines every row, and nothing else", () => {
  expect(INSTRUCTIONS.filter(({ name }) => SEMANTICS[name] === undefined).map(({ name }) => name)).toEqual([]);
  const names = new Set(INSTRUCTIONS.map(({ name }) => name));
  expect(Object.keys(SEMANTICS).filter((name) => !names.has(name))).toEqual([]);
});
