import { uniformBigInt } from "pure-rand/distribution/uniformBigInt";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { BuiltImage, FieldPlace } from "./build-image.ts";

/** Values at which checks of range, sign, overflow and alignment change their mind. */
const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 63n, 64n, 65n, 104n, 0xfffn, 0x1000n, 0x100000n, 0x101000n],
  ...[2n ** 15n, 2n ** 16n - 1n, 2n ** 30n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n],
  ...[2n ** 47n - 0x1000n, 2n ** 47n, 2n ** 52n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 0x1000n, 2n ** 64n - 1n],
];

/** How often a change goes into headers and notes; otherwise anywhere in the file. */
const STRUCTURE_PERCENT = 50;

interface Mutant {
  readonly file: Uint8Array;
  /** What was done to the image, for the report of a failure. */
  readonly history: readonly string[];
}

/** @returns a copy of the image with one to four changes. `others` are what splices take their bytes from. */
export function mutate(random: RandomGenerator, image: BuiltImage, others: readonly BuiltImage[]): Mutant {
  const fields = fieldsOf(image);
  const history: string[] = [];
  let file = image.file.slice();
  const changes = uniformInt(random, 1, 4);
  for (let change = 0; change < changes && file.length > 0; change++) {
    const [name, place] = pick(random, fields);
    const aimed = uniformInt(random, 1, 100) <= STRUCTURE_PERCENT && place.offset + place.bytes <= file.length;
    const offset = aimed ? place.offset : uniformInt(random, 0, file.length - 1);
    const target: FieldPlace = { offset, bytes: aimed ? place.bytes : pick(random, [1, 2, 4, 8] as const) };
    const operation = pick(random, OPERATIONS);
    file = operation(random, file, target, { image, others });
    history.push(`${operation.name} ${aimed ? name : `offset ${offset}`}`);
  }
  return { file, history };
}

type Operation = (
  random: RandomGenerator,
  file: Uint8Array<ArrayBuffer>,
  target: FieldPlace,
  sources: Sources,
) => Uint8Array<ArrayBuffer>;

/** The image that is being changed, as it was built, and the images that splices take their bytes from. */
interface Sources {
  readonly image: BuiltImage;
  readonly others: readonly BuiltImage[];
}

function flipBit(random: RandomGenerator, file: Uint8Array<ArrayBuffer>, { offset, bytes }: FieldPlace) {
  const at = Math.min(offset + uniformInt(random, 0, bytes - 1), file.length - 1);
  file[at] = (file[at] ?? 0) ^ (1 << uniformInt(random, 0, 7));
  return file;
}

function setEdge(random: RandomGenerator, file: Uint8Array<ArrayBuffer>, target: FieldPlace) {
  return write(file, target, pick(random, EDGES));
}

function setRandom(random: RandomGenerator, file: Uint8Array<ArrayBuffer>, target: FieldPlace) {
  return write(file, target, uniformBigInt(random, 0n, 2n ** 64n - 1n));
}

function step(random: RandomGenerator, file: Uint8Array<ArrayBuffer>, target: FieldPlace) {
  const distance = pick(random, [1n, 8n, 0x1000n]) * pick(random, [1n, -1n]);
  return write(file, target, read(file, target) + distance);
}

function truncate(_: RandomGenerator, file: Uint8Array<ArrayBuffer>, { offset }: FieldPlace) {
  return file.slice(0, offset);
}

function splice(random: RandomGenerator, file: Uint8Array<ArrayBuffer>, { offset }: FieldPlace, { others }: Sources) {
  const source = pick(random, others);
  const [, { offset: from }] = pick(random, fieldsOf(source));
  const bytes = Math.min(uniformInt(random, 1, 256), source.file.length - from, file.length - offset);
  file.set(source.file.subarray(from, from + bytes), offset);
  return file;
}

/** Gives a note another size, in its header and its program header alike: one of them alone is refused at once. */
function resizeNote(random: RandomGenerator, file: Uint8Array<ArrayBuffer>, _: FieldPlace, { image }: Sources) {
  const { fields } = image;
  const size = fields.get(`${pick(random, ["ABI1", "MFT1"])} n_descsz`);
  const [row] = fieldsOf(image).find(([name, place]) => {
    return name.endsWith(".p_offset") && size !== undefined && read(file, place) === BigInt(size.offset - 4);
  }) ?? [undefined];
  const rowSize = row === undefined ? undefined : fields.get(row.replace("p_offset", "p_filesz"));
  if (size === undefined || rowSize === undefined) return file;
  const bytes = BigInt(
    uniformInt(random, 0, 3) === 0 ? 12 + 104 * uniformInt(random, 0, 64) : uniformInt(random, 0, 32),
  );
  return write(write(file, size, bytes), rowSize, 20n + bytes);
}

const OPERATIONS: readonly Operation[] = [
  ...[flipBit, flipBit, flipBit, setEdge, setEdge, setEdge],
  ...[setRandom, step, truncate, splice, resizeNote],
];

function write(file: Uint8Array<ArrayBuffer>, { offset, bytes }: FieldPlace, value: bigint) {
  for (let index = 0; index < bytes && offset + index < file.length; index++) {
    file[offset + index] = Number((value >> BigInt(8 * index)) & 0xffn);
  }
  return file;
}

function read(file: Uint8Array, { offset, bytes }: FieldPlace): bigint {
  let value = 0n;
  for (let index = 0; index < bytes; index++) value |= BigInt(file[offset + index] ?? 0) << BigInt(8 * index);
  return value;
}

const listByImage = new WeakMap<BuiltImage, readonly (readonly [string, FieldPlace])[]>();

/** The image's fields as a list, made once: there are hundreds. */
function fieldsOf(image: BuiltImage): readonly (readonly [string, FieldPlace])[] {
  const list = listByImage.get(image) ?? [...image.fields];
  listByImage.set(image, list);
  return list;
}

function pick<Item>(random: RandomGenerator, items: readonly Item[]): Item {
  return items[uniformInt(random, 0, items.length - 1)] as Item;
}
