import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect, it } from "vitest";
import { ImageError } from "../../src/format/error.ts";
import { parseImage } from "../../src/format/parse.ts";
import { AARCH64, BLOCK, type BuiltImage, buildImage, HVT, NET, R, RX, USUAL_SEGMENTS } from "./build-image.ts";
import { brokenPromises } from "./invariant.ts";
import { mutate } from "./mutate.ts";

const MUTANTS = 100_000;
/** Of processor time; far above what a mutant takes (some 10 µs), so that only a loop that the input drives can reach it. */
const PARSE_LIMIT_US = 2_000_000;
const HEAP_GROWTH_LIMIT_BYTES = 32 * 2 ** 20;

const { SKIFF_SEED = "20240229" } = process.env;
const SEED = Number(SKIFF_SEED);

const IMAGES: readonly BuiltImage[] = [
  buildImage(),
  buildImage({
    abiTarget: HVT,
    devices: [
      { name: "storage", type: BLOCK },
      { name: "service", type: NET },
    ],
  }),
  buildImage({
    machine: AARCH64,
    devices: Array.from({ length: 63 }, (_, index) => ({ name: `d${index}`, type: NET })),
  }),
  buildImage({
    machine: AARCH64,
    abiTarget: HVT,
    segments: [...USUAL_SEGMENTS, { address: 0x120000, content: new Uint8Array(16), flags: R, alignBytes: 0x4000 }],
  }),
  buildImage({ segments: [{ address: 0x100000, content: new Uint8Array(64), flags: RX }] }),
];

/** Every field that a refusal can name; each is reached hundreds of times, whatever the seed. */
const REFUSABLE_FIELDS = [
  ...["ABI1 n_descsz", "MFT1 n_descsz", "Solo5 ABI1 note", "Solo5 MFT1 note", "abi_target"],
  ...["e_ehsize", "e_entry", "e_ident[EI_CLASS]", "e_ident[EI_DATA]", "e_ident[EI_MAG0..3]", "e_ident[EI_VERSION]"],
  ...["e_machine", "e_phentsize", "e_phnum", "e_phoff", "e_type", "e_version", "file size"],
  ...["mft.e[n].attached", "mft.e[n].name", "mft.e[n].name[n]", "mft.e[n].type", "mft.entries", "mft.version"],
  ...[
    "phdr[n].p_align",
    "phdr[n].p_filesz",
    "phdr[n].p_flags",
    "phdr[n].p_memsz",
    "phdr[n].p_offset",
    "phdr[n].p_vaddr",
  ],
  ...["reserved0", "reserved1"],
];

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function liveBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it(`parses ${MUTANTS} mutants of images to a sound image or an ImageError, within limits (SKIFF_SEED=${SEED})`, () => {
  console.log(`SKIFF_SEED=${SEED}`);
  const random = xoroshiro128plus(SEED);
  const countByField = new Map<string, number>();
  let accepted = 0;
  let slowestUs = 0;
  const liveBytesBefore = liveBytes();
  for (let number = 0; number < MUTANTS; number++) {
    const image = IMAGES[uniformInt(random, 0, IMAGES.length - 1)] as BuiltImage;
    const { file, history } = mutate(random, image, IMAGES);
    const label = `SKIFF_SEED=${SEED}, mutant ${number}: ${history.join(", ")}`;
    const start = process.cpuUsage();
    const outcome = parse(file, label);
    const { user, system } = process.cpuUsage(start);
    slowestUs = Math.max(slowestUs, user + system);
    if (outcome instanceof ImageError) {
      const field = outcome.field.replace(/\[\d+\]/g, "[n]");
      countByField.set(field, (countByField.get(field) ?? 0) + 1);
    } else {
      const broken = brokenPromises(outcome, file);
      if (broken.length > 0) throw new Error(`${label}: it does not hold that ${broken.join(", ")}`);
      accepted++;
    }
  }
  expect(slowestUs).toBeLessThan(PARSE_LIMIT_US);
  expect(liveBytes() - liveBytesBefore).toBeLessThan(HEAP_GROWTH_LIMIT_BYTES);
  // Mutants that all end at the first check, or all pass, would show nothing.
  expect(accepted).toBeGreaterThan(MUTANTS / 20);
  expect([...countByField.keys()].sort()).toEqual(REFUSABLE_FIELDS);
});

function parse(file: Uint8Array, label: string): ReturnType<typeof parseImage> | ImageError {
  try {
    return parseImage(file);
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw new Error(label, { cause: error });
  }
}
