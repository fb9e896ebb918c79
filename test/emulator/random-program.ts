/** Random programs with control flow, for `bare.ts`: they end after so many blocks. */
import type { Random } from "../support/random.ts";
import { DATA_ADDRESS, STOP } from "./bare.ts";

/** From `DATA_ADDRESS` on: what the programs read and write. */
export const DATA_BYTES = 4096;
const BLOCKS_MAX = 24;
/** Blocks that a program runs through before it ends. */
const STEPS = 4000;

const CONDITIONS = ["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al"];

/** X0 to X9 and V0 to V7 are what is computed with, X20 the data's address, X27 what is left to run. */
function operation(random: Random): string {
  const general = () => `x${random.integer(0, 9)}`;
  const narrow = () => `w${random.integer(0, 9)}`;
  const offset = () => 8 * random.integer(0, 40);
  const vector = () => random.integer(0, 7);
  const double = () => `d${vector()}`;
  const single = () => `s${vector()}`;
  const condition = () => random.pick(CONDITIONS.slice(0, -1));
  return random.pick([
    () => `add ${general()}, ${general()}, ${general()}`,
    () => `adds ${general()}, ${general()}, ${general()}`,
    () => `subs ${narrow()}, ${narrow()}, #${random.integer(0, 4095)}`,
    () => `sub ${general()}, ${general()}, ${general()}, lsl #${random.integer(0, 63)}`,
    () => `ands ${general()}, ${general()}, ${general()}`,
    () => `eor ${narrow()}, ${narrow()}, ${narrow()}, ror #${random.integer(0, 31)}`,
    () => `cmp ${general()}, ${general()}`,
    () => `cmn ${narrow()}, #${random.integer(0, 4095)}`,
    () => `ccmp ${general()}, ${general()}, #${random.integer(0, 15)}, ${condition()}`,
    () => `csinc ${general()}, ${general()}, ${general()}, ${condition()}`,
    () => `adcs ${general()}, ${general()}, ${general()}`,
    () => `madd ${general()}, ${general()}, ${general()}, ${general()}`,
    () => `ldr ${general()}, [x20, #${offset()}]`,
    () => `str ${general()}, [x20, #${offset()}]`,
    () => `strb ${narrow()}, [x20, #${random.integer(0, 300)}]`,
    () => `ldrsh ${narrow()}, [x20, #${2 * random.integer(0, 150)}]`,
    () => `ldp x${random.pick([0, 2, 4])}, x${random.pick([1, 3, 5])}, [x20, #${offset()}]`,
    () => `stp ${general()}, ${general()}, [sp, #-16]!\n ldr ${general()}, [sp], #16`,
    () => `mov x21, x20\n str ${general()}, [x21], #8\n ldr ${general()}, [x21, #8]!`,
    () => "mov x10, x30\n bl leaf\n mov x30, x10",
    () => "mov x10, x30\n adr x11, leaf\n blr x11\n mov x30, x10",
    () => `mrs ${general()}, nzcv`,
    () => `fmov ${double()}, ${general()}`,
    () => `scvtf ${double()}, ${general()}`,
    () => `fcvtzs ${general()}, ${double()}`,
    () => `fmul ${double()}, ${double()}, ${double()}`,
    () => `fsub ${single()}, ${single()}, ${single()}`,
    () => `fcmp ${double()}, ${double()}`,
    () => `fccmp ${single()}, ${single()}, #${random.integer(0, 15)}, ${condition()}`,
    () => `add v${vector()}.4s, v${vector()}.4s, v${vector()}.4s`,
    () => `sqadd v${vector()}.8h, v${vector()}.8h, v${vector()}.8h`,
    () => `ldr q${vector()}, [x20, #${16 * random.integer(0, 20)}]`,
    () => `str q${vector()}, [x20, #${16 * random.integer(0, 20)}]`,
  ])();
}

/** Where a block goes on, if not with the next one. */
function ending(random: Random, blocks: number): readonly string[] {
  const target = () => `block${random.integer(0, blocks - 1)}`;
  return random.pick<() => readonly string[]>([
    () => [],
    () => [`b ${target()}`],
    () => [`b.${random.pick(CONDITIONS)} ${target()}`],
    () => [`cbz x${random.integer(0, 9)}, ${target()}`],
    () => [`cbnz w${random.integer(0, 9)}, ${target()}`],
    () => [`tbz x${random.integer(0, 9)}, #${random.integer(0, 63)}, ${target()}`],
    () => [`tbnz w${random.integer(0, 9)}, #${random.integer(0, 31)}, ${target()}`],
    () => [`adr x11, ${target()}`, `adr x12, ${target()}`, `csel x11, x11, x12, ${random.pick(CONDITIONS)}`, "br x11"],
  ])();
}

/** Any block may lead to any: loops within loops, loops with several ways in, functions that do not return. */
export function randomProgram(random: Random): string {
  const blocks = random.integer(3, BLOCKS_MAX);
  const lines = [`mov x20, #${DATA_ADDRESS}`, `mov x27, #${STEPS}`];
  for (let register = 0; register < 10; register++) lines.push(`mov x${register}, #${random.integer(0, 0xffff)}`);
  for (let block = 0; block < blocks; block++) {
    lines.push(`block${block}: sub x27, x27, #1`, "cbz x27, end");
    for (let count = random.integer(0, 6); count > 0; count--) lines.push(operation(random));
    lines.push(...ending(random, blocks));
  }
  lines.push(
    `b block${random.integer(0, blocks - 1)}`,
    "leaf: eor x0, x0, x1",
    "cinc x1, x1, hi",
    "ret",
    `end: ${STOP}`,
  );
  return lines.join("\n");
}
