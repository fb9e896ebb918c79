import { expect, it } from "vitest";
import { Code } from "../../src/engine/emulator/wasm/code.ts";
import { type Expr, i32, localGet } from "../../src/engine/emulator/wasm/expression.ts";
import { moduleBytes } from "../../src/engine/emulator/wasm/module.ts";

const IF = 0x04;
const BRANCH_IF = 0x0d;
const SECTION_HEADER = "metadata.code.branch_hint";
/** More locals than one byte counts, so that what lies before the statements has a length of its own. */
const LOCALS = 200;

/** A loop that counts its parameter down, and gives 7 where that was negative. */
function countDown() {
  const code = new Code(["i32"]);
  for (let index = 0; index < LOCALS; index++) code.local("i32");
  const left = code.local("i32");
  code.set(left, localGet("i32", 0));
  code.rarely(i32.ltS(code.get(left), i32.of(0)), () => code.return(i32.of(7)));
  code.loop((label) => {
    code.set(left, i32.sub(code.get(left), i32.of(1)));
    code.branch(label, i32.gtS(code.get(left), i32.of(0)), true);
  });
  code.return(code.get(left) as Expr<"i32">);
  return code.finish();
}

it("hints lie where their conditions are, counted from the locals on", () => {
  const { bytes, hints } = countDown();
  // The body's length, of two bytes here, is not counted.
  const opcodes = hints.map(({ at, holds }) => ({ opcode: bytes[2 + at], holds }));
  expect(bytes.length - 2).toBe(((bytes[0] ?? 0) & 0x7f) | ((bytes[1] ?? 0) << 7));
  expect(opcodes).toEqual([
    { opcode: IF, holds: false },
    { opcode: BRANCH_IF, holds: true },
  ]);
});

it("a module has its hints in a section before its code, which computes what it does without", () => {
  const signature = { parameters: ["i32"], results: ["i32"] } as const;
  const body = countDown();
  const parts = { tableType: signature, imports: [] };
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
  const made = [body, { ...body, hints: [] }].map((each) => {
    const bytes = moduleBytes({ ...parts, functions: [{ name: "countDown", signature, body: each }] });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory, table } });
    return {
      text: Buffer.from(bytes).toString("latin1"),
      results: [-5, 3].map((from) => exports["countDown"]?.(from)),
    };
  });
  expect(made.map(({ results }) => results)).toEqual([
    [7, 0],
    [7, 0],
  ]);
  const [hinted, plain] = made;
  const code = Buffer.from(body.bytes).toString("latin1");
  expect(hinted?.text).toContain(SECTION_HEADER);
  expect(hinted?.text.indexOf(SECTION_HEADER)).toBeLessThan(hinted?.text.indexOf(code) ?? 0);
  expect(plain?.text).not.toContain(SECTION_HEADER);
});
