/** Makes a decision tree of the table: each node looks at a few neighbouring bits, which most of its rows fix. */
import { fieldsOf, type Row } from "./row.ts";

interface Node {
  readonly shift: number;
  /** Of the looked-at bits, shifted down. */
  readonly mask: number;
  /** Grown when a word first leads there. */
  readonly children: (Tree | undefined)[];
  readonly rows: readonly Row[];
  /** Bits that this node and those above look at. */
  readonly known: number;
}
/** A leaf has the few rows that are left, the one with most fixed bits first. */
type Tree = Node | readonly Row[];

/** A leaf's rows are tried one after the other. */
const LEAF_ROWS_MAX = 2;
const NODE_BITS_MAX = 8;

export function makeDecoder(rows: readonly Row[]): (word: number) => Row | undefined {
  let root: Tree | undefined;
  return (word) => {
    root ??= grow(rows, 0);
    let tree = root;
    while (isNode(tree)) tree = childOf(tree, (word >>> tree.shift) & tree.mask);
    return tree.find((row) => (word & row.mask) >>> 0 === row.value && row.isAllocated(fieldsOf(row, word)));
  };
}

function isNode(tree: Tree): tree is Node {
  return "children" in tree;
}

function childOf({ shift, mask, children, rows, known }: Node, index: number): Tree {
  const bits = index << shift;
  const looked = mask << shift;
  const child =
    children[index] ??
    grow(
      rows.filter((row) => ((row.value ^ bits) & row.mask & looked) === 0),
      known,
    );
  children[index] = child;
  return child;
}

/** @param known bits that the nodes above looked at. */
function grow(rows: readonly Row[], known: number): Tree {
  const leaf = () => [...rows].sort((a, b) => bitCount(b.mask) - bitCount(a.mask));
  if (rows.length <= LEAF_ROWS_MAX) return leaf();
  const range = chooseBits(rows, known);
  if (range === undefined) return leaf();
  const { shift, width } = range;
  const mask = 2 ** width - 1;
  return { shift, mask, children: [], rows, known: (known | (mask << shift)) >>> 0 };
}

/** The longest run of unknown bits that the greatest number of rows fix and that tells some of them apart. */
function chooseBits(
  rows: readonly Row[],
  known: number,
): { readonly shift: number; readonly width: number } | undefined {
  const fixed = Array.from({ length: 32 }, (_, bit) => {
    const at = (1 << bit) >>> 0;
    if ((known & at) !== 0) return 0;
    const fixing = rows.filter(({ mask }) => (mask & at) !== 0);
    const ones = fixing.filter(({ value }) => (value & at) !== 0).length;
    return ones === 0 || ones === fixing.length ? 0 : fixing.length;
  });
  const most = Math.max(...fixed);
  if (most === 0) return undefined;
  let best = { shift: 0, width: 0 };
  for (let shift = 0; shift < 32; shift++) {
    let width = 0;
    while (width < NODE_BITS_MAX && fixed[shift + width] === most) width++;
    if (width > best.width) best = { shift, width };
  }
  return best;
}

export function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
