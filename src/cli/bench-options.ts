import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import { DEFAULTS, type Plan } from "../lab/plan.ts";
import type { Basis } from "../lab/report/compare.ts";
import type { StoredResult } from "../lab/result-folder.ts";
import type { ImageRequest } from "../lab/workload/image.ts";
import { UsageError } from "../monitor/error.ts";

/** The options as Commander collects them. */
export interface BenchArguments {
  readonly quick?: boolean;
  readonly targets?: readonly string[];
  readonly workloads?: readonly string[];
  readonly blocks?: number;
  readonly budget?: number;
  readonly seed?: number;
  readonly output?: string;
  readonly list?: boolean;
  readonly image?: readonly string[];
  readonly imagePort?: number;
  readonly imageWords?: string;
  readonly imageMem?: number;
}

/** What can be asked for. */
export interface Choices {
  readonly targets: readonly string[];
  readonly workloads: readonly { readonly name: string; readonly quick: boolean }[];
}

const SEED_MAX = 2 ** 32 - 1;
/** Whatever else is asked for: what others are held against. */
const BASELINES = ["native", "native-veth"];

/** The plan of a new run. */
export function newPlan(args: BenchArguments, choices: Choices): Plan {
  const quick = args.quick ?? false;
  const defaults = quick ? DEFAULTS.quick : DEFAULTS.full;
  const asked = args.targets === undefined ? choices.targets : [...BASELINES, ...args.targets];
  const image = imageRequest(args);
  const ownWorkloads = args.workloads ?? (image === undefined ? undefined : []);
  const workloads = ownWorkloads ?? choices.workloads.filter((one) => !quick || one.quick).map(({ name }) => name);
  return {
    seed: args.seed ?? randomInt(SEED_MAX),
    quick,
    targets: choose("--targets", asked, choices.targets),
    workloads: choose(
      "--workloads",
      image === undefined ? workloads : [...workloads, "image"],
      choices.workloads.map(({ name }) => name),
    ),
    blocks: args.blocks ?? defaults.blocks,
    budgetMs: args.budget ?? defaults.budgetMs,
    sampleLimitMs: defaults.sampleLimitMs,
    sampleMs: defaults.sampleMs,
    ...(image === undefined ? {} : { image }),
  };
}

const IMAGE_MIB = 128;
/** The kit's and MirageOS's unikernels take their address so. */
const IMAGE_WORDS = "--ipv4=<address>";

/**
 * What `--image` and its companions ask for; undefined where none is given.
 * @throws UsageError where a companion comes alone.
 */
export function imageRequest(args: BenchArguments): ImageRequest | undefined {
  const { image: paths, imagePort: port = null, imageMem: memoryMib = IMAGE_MIB } = args;
  if (paths === undefined) {
    if (args.imagePort === undefined && args.imageWords === undefined && args.imageMem === undefined) return undefined;
    throw new UsageError("--image-port, --image-words and --image-mem say more about an --image; add --image FILE");
  }
  const words = args.imageWords ?? (port === null ? "" : IMAGE_WORDS);
  return {
    paths: paths.map((path) => resolve(path)),
    words: words.split(/\s+/).filter((word) => word !== ""),
    port,
    memoryMib,
  };
}

/** Adds one more `--image`. */
export function collectPath(path: string, before: readonly string[] = []): readonly string[] {
  return [...before, path];
}

export function parsePort(text: string): number {
  return parseWhole("--image-port", text, 65535);
}

export function parseImageMib(text: string): number {
  return parseWhole("--image-mem", text, 131072);
}

function parseWhole(option: string, text: string, max: number): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= max) return value;
  throw new UsageError(`${option} ${text}: give a whole number from 1 to ${max}`);
}

/**
 * The plan of a run that is gone on with: the earlier one's, but for a budget that is given anew.
 * @throws UsageError where another option asks for something else.
 */
export function resumedPlan(args: BenchArguments, { manifest: { plan } }: StoredResult, output: string): Plan {
  const same = (name: string, asked: unknown, had: unknown) => {
    if (asked === undefined || JSON.stringify(asked) === JSON.stringify(had)) return;
    throw new UsageError(
      `--output ${output}: that run was begun with another ${name}; leave it out, or give a new folder`,
    );
  };
  same("--quick", args.quick, plan.quick);
  same("--seed", args.seed, plan.seed);
  same("--blocks", args.blocks, plan.blocks);
  same("--image", imageRequest(args), plan.image);
  same("--workloads", args.workloads && choose("--workloads", args.workloads, plan.workloads), plan.workloads);
  same("--targets", args.targets && choose("--targets", [...BASELINES, ...args.targets], plan.targets), plan.targets);
  return { ...plan, budgetMs: args.budget ?? plan.budgetMs };
}

/** The names asked for in the order in which they are known, each once. */
function choose(option: string, asked: readonly string[], known: readonly string[]): string[] {
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`${option}: there is no '${unknown}'; there are ${known.join(", ")}`);
  }
  return known.filter((name) => asked.includes(name));
}

/** Reads `a,b,c`. */
export function parseNames(text: string): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0) throw new UsageError(`'${text}' names nothing; skiff bench --list shows the names`);
  return names;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Reads `90s`, `10m` or `2h` as milliseconds. */
export function parseBudget(text: string): number {
  const match = /^([1-9][0-9]{0,5})([smh])$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  if (match === null || unit === undefined) {
    throw new UsageError(`--budget ${text}: give a time in seconds, minutes or hours, e.g. --budget 10m`);
  }
  return Number(match[1]) * unit;
}

export function parseSeed(text: string): number {
  const seed = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seed <= SEED_MAX)) throw new UsageError(`--seed ${text}: give a whole number from 0 to ${SEED_MAX}`);
  return seed;
}

const BLOCKS_MAX = 1000;

export function parseBlocks(text: string): number {
  const blocks = /^[0-9]{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(blocks >= 1 && blocks <= BLOCKS_MAX)) {
    throw new UsageError(`--blocks ${text}: give a whole number from 1 to ${BLOCKS_MAX}`);
  }
  return blocks;
}

/** Reads `5%` or `5` as the share 0.05. */
export function parseThreshold(text: string): number {
  const percent = /^[0-9]{1,4}(\.[0-9]{1,3})?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (Number.isNaN(percent)) {
    throw new UsageError(`--threshold ${text}: give what may be lost in percent, e.g. --threshold 5%`);
  }
  return percent / 100;
}

const BASES = ["value", "cost"] as const satisfies readonly Basis[];

export function parseBasis(text: string): Basis {
  const basis = BASES.find((name) => name === text);
  if (basis === undefined) {
    throw new UsageError(`--by ${text}: give value (the numbers themselves) or cost (the ratios to native)`);
  }
  return basis;
}

export function parseOutput(text: string): string {
  if (text === "") throw new UsageError("--output: the name is empty; give a folder");
  return text;
}
