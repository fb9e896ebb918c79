import { BLOCK_BYTES_MIN } from "../monitor/device-options.ts";

/** A device option of upstream's tender, in the order in which it was given. */
export type DeviceArgument =
  | { readonly kind: "net"; readonly name: string; readonly interface: string }
  | { readonly kind: "net-mac"; readonly name: string; readonly mac: Uint8Array }
  | { readonly kind: "block"; readonly name: string; readonly path: string }
  | { readonly kind: "block-sector-size"; readonly name: string; readonly bytes: number };

/** The words of a command line of `solo5-spt` or `solo5-hvt` (Solo5 v0.12, `spt_main.c` and `hvt_main.c`). */
export type TenderArguments =
  | { readonly action: "help" }
  | { readonly action: "version" }
  | { readonly action: "missing kernel" }
  | {
      readonly action: "run";
      readonly kernel: string;
      readonly guestArguments: readonly string[];
      /** Options before the kernel, unread: upstream reads the image first and complains of it first. */
      readonly options: readonly string[];
    };

/** Finds the kernel: the first word that is no option, or the one behind `--`. */
export function splitArguments(words: readonly string[]): TenderArguments {
  let count = 0;
  while (words[count]?.startsWith("-")) {
    if (words[count] === "--") {
      return splitAt(words, count, count + 1);
    }
    if (words[count] === "--help") return { action: "help" };
    if (words[count] === "--version") return { action: "version" };
    count++;
  }
  return splitAt(words, count, count);
}

function splitAt(words: readonly string[], optionsEnd: number, kernelAt: number): TenderArguments {
  const kernel = words[kernelAt];
  if (kernel === undefined) return { action: "missing kernel" };
  return { action: "run", kernel, guestArguments: words.slice(kernelAt + 1), options: words.slice(0, optionsEnd) };
}

/** What one option word asks for; a `complaint` is what upstream says before it calls the option invalid. */
export type TenderOption =
  | { readonly kind: "mem"; readonly mib: number }
  | { readonly kind: "malformed mem" }
  | { readonly kind: "invalid"; readonly complaint?: string }
  | DeviceArgument;

const NAME = "([A-Za-z0-9]{1,67})";
const NET = new RegExp(`^--net:${NAME}=(\\S{1,19})`);
const NET_MAC = new RegExp(`^--net-mac:${NAME}=${Array(6).fill("([0-9a-fA-F]{1,2})").join(":")}`);
const BLOCK = new RegExp(`^--block:${NAME}=(\\S+)`);
const BLOCK_SECTOR_SIZE = new RegExp(`^--block-sector-size:${NAME}=([0-9]{1,6})`);

/** Reads an option as upstream's `sscanf` patterns do: what follows the value is not looked at. */
export function parseOption(word: string): TenderOption {
  if (word.startsWith("--mem=")) return parseMem(word);
  const net = NET.exec(word);
  if (net !== null) return { kind: "net", name: text(net, 1), interface: text(net, 2) };
  const mac = NET_MAC.exec(word);
  if (mac !== null) {
    return {
      kind: "net-mac",
      name: text(mac, 1),
      mac: Uint8Array.from(mac.slice(2, 8), (part) => Number.parseInt(part, 16)),
    };
  }
  const sector = BLOCK_SECTOR_SIZE.exec(word);
  if (sector !== null) return parseSectorSize(text(sector, 1), Number(text(sector, 2)));
  const block = BLOCK.exec(word);
  if (block !== null) return { kind: "block", name: text(block, 1), path: text(block, 2) };
  return { kind: "invalid" };
}

function parseMem(word: string): TenderOption {
  const match = /^--mem=\+?([0-9]+)/.exec(word);
  const mib = match === null ? 0 : Number(match[1]);
  return mib > 0 ? { kind: "mem", mib } : { kind: "malformed mem" };
}

function parseSectorSize(name: string, bytes: number): TenderOption {
  if (bytes < BLOCK_BYTES_MIN || bytes > 0xffff || (bytes & (bytes - 1)) !== 0) {
    return { kind: "invalid", complaint: "Block size must be a multiple of 2 greater than or equal 512" };
  }
  return { kind: "block-sector-size", name, bytes };
}

function text(match: RegExpExecArray, index: number): string {
  return match[index] ?? "";
}
