import { expect, it } from "vitest";
import { describeWith } from "../../guests/requirement.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { AREA, buildProgram, type Case, TCR } from "./program.ts";
import { differences, runInEmulator, runOnQemu, TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const folder = temporaryFolder();
const PAGE_BYTES = 0x1000;
/** First address of an upper half of 39 bits. */
const UPPER = 0xffff_ff80_0000_0000n;
/** In the data of cases, where EL1 can write them: roots, tables of blocks and of pages for two address spaces. */
const TABLE = [0, 1, 2].map((index) => AREA.data + 0x4_0000 + index * PAGE_BYTES) as [number, number, number];
const OTHER = [3, 4, 5].map((index) => AREA.data + 0x4_0000 + index * PAGE_BYTES) as [number, number, number];
const NOWHERE = 0x5000_0000n;
const BLOCK_BYTES = 0x20_0000;

const page = (index: number) => BigInt(AREA.data + index * PAGE_BYTES);
/** Descriptors of pages: valid, accessed, inner shareable; EL1 may write. */
const WRITABLE = 0x703n;
const READ_ONLY = WRITABLE | 0x80n;
const NOT_ACCESSED = WRITABLE & ~0x400n;
const NOT_GLOBAL = 0x800n;
/** A block of level 2. */
const BLOCK = 0x701n;
/** By number of the upper half's page. */
const PAGES: readonly bigint[] = [
  page(0) | WRITABLE,
  0n,
  page(1) | READ_ONLY,
  page(2) | WRITABLE,
  page(3) | NOT_ACCESSED,
  page(4) | WRITABLE,
  NOWHERE | WRITABLE,
  page(7) | WRITABLE,
  page(6) | WRITABLE,
  page(8) | WRITABLE | NOT_GLOBAL,
];
const NOWHERE_INDEX = 6;
const BLOCK_INDEX = 8;

function tables(): ReadonlyMap<number, bigint> {
  const entries = new Map<number, bigint>();
  for (const [root, blocks, pages] of [TABLE, OTHER]) {
    entries.set(root, BigInt(blocks) | 3n);
    entries.set(blocks, BigInt(pages) | 3n);
    entries.set(blocks + 8 * BLOCK_INDEX, BigInt(AREA.data) | BLOCK);
  }
  for (const [index, descriptor] of PAGES.entries()) entries.set(TABLE[2] + 8 * index, descriptor);
  entries.set(OTHER[2] + 8 * 9, page(9) | WRITABLE | NOT_GLOBAL);
  return entries;
}

/** In each page other numbers than elsewhere. */
function content(): Uint8Array {
  const bytes = new Uint8Array(0x4_0000);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 8)
    view.setBigUint64(at, (BigInt(at) * 0x9e37_79b9_7f4a_7c15n) & (2n ** 64n - 1n), true);
  return bytes;
}

const MAPPED = [["ttbr1_el1", BigInt(TABLE[0])]] as const;

const ACCESSES: readonly (readonly [name: string, word: number])[] = [
  ["ldrh", 0x7940_0002],
  ["strh", 0x7900_0001],
  ["ldr x", 0xf940_0002],
  ["str x", 0xf900_0001],
  ["ldp x", 0xa940_0c02],
  ["stp x", 0xa900_0801],
  ["ldr q", 0x3dc0_0000],
  ["str q", 0x3d80_0000],
  ["ldp q", 0xad40_0400],
  ["stp q", 0xad00_0400],
];

/** Loads first: of stores that fault a part may be done. */
const ORDERED = [/^ld/, /^st/].map((kind) => ACCESSES.filter(([name]) => kind.test(name)));
const CROSSING: readonly Case[] = ORDERED.flatMap((accesses) =>
  PAGES.slice(0, -1).flatMap((_, index) =>
    [0xff1n, 0xff8n, 0xff9n, 0xffcn, 0xfffn].flatMap((offset) =>
      accesses
        // What begins where the board has nothing is told by QEMU of the aligned address.
        .filter(() => index !== NOWHERE_INDEX)
        .map(
          ([name, word]): Case => ({
            name: `${name} from page ${index}, offset 0x${offset.toString(16)}`,
            system: MAPPED,
            registers: [UPPER + BigInt(index * PAGE_BYTES) + offset, 0x1122_3344_5566_7788n],
            words: [word],
          }),
        ),
    ),
  ),
);

/** TLBI by what follows it: CRm 7 is this processor, 3 all of them. */
const MAINTENANCE: readonly (readonly [name: string, word: number])[] = [7, 3].flatMap((crm) => [
  [`tlbi vmalle1, ${crm}`, a64.sys(0, 8, crm, 0, 31)] as const,
  [`tlbi vae1, ${crm}`, a64.sys(0, 8, crm, 1, 4)] as const,
  [`tlbi aside1, ${crm}`, a64.sys(0, 8, crm, 2, 5)] as const,
  [`tlbi vaae1, ${crm}`, a64.sys(0, 8, crm, 3, 4)] as const,
  [`tlbi vale1, ${crm}`, a64.sys(0, 8, crm, 5, 4)] as const,
  [`tlbi vaale1, ${crm}`, a64.sys(0, 8, crm, 7, 4)] as const,
]);
const LOAD_BEFORE = a64.load(2, 0);
const LOAD_AFTER = a64.load(3, 0);
const afterwards = (word: number) => [a64.DSB, word, a64.DSB, a64.ISB];

/** X0 is read before and after its descriptor at X1 becomes X3. */
function remapping(name: string, word: number, virtual: bigint, descriptor: number, to: bigint, told = virtual): Case {
  return {
    name,
    system: MAPPED,
    registers: [virtual, BigInt(descriptor), 0n, to, (told >> 12n) & ((1n << 44n) - 1n), 0n],
    words: [LOAD_BEFORE, a64.store(3, 1), ...afterwards(word), LOAD_AFTER],
  };
}

/** Each on a page of its own of the table of pages. */
const REMAPPED: readonly Case[] = MAINTENANCE.flatMap(([name, word], index): readonly Case[] => {
  const number = 16 + index;
  const virtual = UPPER + BigInt(number * PAGE_BYTES);
  const descriptor = TABLE[2] + 8 * number;
  const block = UPPER + BigInt(BLOCK_INDEX * BLOCK_BYTES);
  const ofBlock = TABLE[1] + 8 * BLOCK_INDEX;
  const own = (bits: bigint) => page(10 + index) | bits;
  return [
    {
      ...remapping(`a first mapping, ${name}`, word, virtual, descriptor, own(WRITABLE)),
      words: [a64.store(3, 1), ...afterwards(word), LOAD_AFTER],
    },
    remapping(`another page, ${name}`, word, virtual, descriptor, page(30 + index) | WRITABLE),
    remapping(`a mapping that ends, ${name}`, word, virtual, descriptor, 0n),
    // Told by another of the block's pages; to code, and back.
    remapping(`another block, ${name}`, word, block + 0x8000n, ofBlock, BigInt(AREA.code) | BLOCK, block + 0x3000n),
    remapping(
      `the block again, ${name}`,
      word,
      block + 0x8000n,
      ofBlock,
      BigInt(AREA.data) | BLOCK,
      block + 0x1f_f000n,
    ),
  ];
});

/** The upper half's register has the address space's identifier; nothing is told to the TLB. */
const ADDRESS_SPACES: readonly Case[] = [
  {
    name: "another address space and back",
    system: [
      ["ttbr1_el1", BigInt(TABLE[0]) | (1n << 48n)],
      ["tcr_el1", TCR | (1n << 22n)],
    ],
    registers: [
      UPPER + 9n * BigInt(PAGE_BYTES),
      BigInt(OTHER[0]) | (2n << 48n),
      0n,
      0n,
      0n,
      BigInt(TABLE[0]) | (1n << 48n),
    ],
    words: [
      LOAD_BEFORE,
      a64.msr("ttbr1_el1", 1),
      a64.ISB,
      LOAD_AFTER,
      a64.msr("ttbr1_el1", 5),
      a64.ISB,
      a64.load(4, 0),
    ],
  },
];

const BLR_X0 = 0xd63f_0000;
const RET = 0xd65f_03c0;
const MOV_X2 = (value: number) => (0xd280_0002 | (value << 5)) >>> 0;
const STR_W1 = 0xb900_0001;
const SYNCHRONIZED = [a64.sys(3, 7, 11, 1, 0), a64.DSB, a64.sys(3, 7, 5, 1, 0), a64.DSB, a64.ISB];
const CODE = BigInt(AREA.data + 0x8000);
const ADD_X3_X3_X2 = 0x8b02_0063;
const add = (register: number, base: number, value: number) => a64.add(register, base, value);

/** X0 is where the code is, X1 what is written there, X3 sums what it returns. */
const WRITTEN_CODE: readonly Case[] = [
  {
    name: "code that is written, run, written and run",
    registers: [CODE],
    words: [
      ...a64.move(1, (BigInt(RET) << 32n) | BigInt(MOV_X2(5))),
      a64.store(1, 0),
      ...SYNCHRONIZED,
      BLR_X0,
      ADD_X3_X3_X2,
      ...a64.move(1, BigInt(MOV_X2(7))),
      STR_W1,
      ...SYNCHRONIZED,
      BLR_X0,
      ADD_X3_X3_X2,
      ...a64.move(1, BigInt(MOV_X2(9))),
      STR_W1,
      ...SYNCHRONIZED,
      BLR_X0,
      ADD_X3_X3_X2,
      ...a64.move(30, 0n),
    ],
  },
  {
    name: "code that is written by a loop, and runs in each turn",
    registers: [CODE + 0x100n, 0n, 0n, 0n, 200n],
    words: [
      ...a64.move(1, (BigInt(RET) << 32n) | BigInt(MOV_X2(0))),
      a64.store(1, 0),
      // add w1, w1, #0x20: the next number.
      0x1100_8021,
      STR_W1,
      ...SYNCHRONIZED,
      BLR_X0,
      ADD_X3_X3_X2,
      0xd100_0484,
      0xb500_0004 | ((-10 & 0x7ffff) << 5),
      ...a64.move(30, 0n),
    ],
  },
  {
    name: "data beside code",
    registers: [CODE + 0x200n],
    words: [
      ...a64.move(1, (BigInt(RET) << 32n) | BigInt(MOV_X2(3))),
      a64.store(1, 0),
      ...SYNCHRONIZED,
      BLR_X0,
      ADD_X3_X3_X2,
      // In the same line, and in another line of the page.
      a64.store(3, 0, 32),
      BLR_X0,
      ADD_X3_X3_X2,
      a64.store(3, 0, 256),
      BLR_X0,
      ADD_X3_X3_X2,
      a64.load(4, 0, 32),
      a64.load(5, 0, 256),
      ...a64.move(30, 0n),
    ],
  },
  {
    name: "DC ZVA on code",
    registers: [CODE + 0x400n],
    words: [
      ...a64.move(1, (BigInt(RET) << 32n) | BigInt(MOV_X2(3))),
      a64.store(1, 0),
      ...SYNCHRONIZED,
      BLR_X0,
      ADD_X3_X3_X2,
      a64.sys(3, 7, 4, 1, 0),
      a64.DSB,
      a64.ISB,
      BLR_X0,
    ],
  },
  {
    name: "code on two pages",
    registers: [CODE + 0xffcn],
    words: [
      ...a64.move(1, (BigInt(RET) << 32n) | BigInt(MOV_X2(3))),
      a64.store(1, 0),
      ...SYNCHRONIZED,
      a64.sys(3, 7, 5, 1, 0),
      BLR_X0,
      ADD_X3_X3_X2,
      ...a64.move(1, BigInt(a64.svc(77))),
      add(0, 0, 4),
      STR_W1,
      ...SYNCHRONIZED,
      0xd100_1000,
      BLR_X0,
    ],
  },
];

describeWith([["qemu-system-aarch64", "qemu-system-arm"]], "memory", () => {
  const groups: readonly (readonly [string, readonly Case[]])[] = [
    ["accesses across pages", CROSSING],
    ["changed mappings", REMAPPED],
    ["address spaces", ADDRESS_SPACES],
    ["written code", WRITTEN_CODE],
  ];
  for (const [what, cases] of groups) {
    it.each(TIERS)(`${what} do what they do on QEMU: $tier`, ({ options }) => {
      const program = buildProgram(cases, tables(), content());
      const names = cases.map(({ name }) => name);
      expect(differences(names, runInEmulator(program, options), runOnQemu(program, folder))).toEqual([]);
    });
  }
});
