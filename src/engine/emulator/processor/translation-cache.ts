/**
 * The translations that generated code looks up itself, and the pages of code: direct-mapped by virtual address, for each
 * exception level. What software must invalidate (Arm ARM, D8.14) may be dropped at any time beside.
 */
import {
  CODE,
  CODE_PAGES,
  STATE,
  STORES,
  TRANSLATION,
  TRANSLATION_TABLES,
  TRANSLATION_TABLES_END,
  TRANSLATIONS,
} from "../layout.ts";
import type { Level } from "./state.ts";

export type DataKind = "load" | "store";

/** Address bits of the mappings that the tables can have. */
export const MAPPING_BITS = { page: 12, block: 21, giantBlock: 30 } as const;
const PAGES_OF_BLOCK = 2 ** (MAPPING_BITS.block - MAPPING_BITS.page);
const HOST_PAGE_MASK = -4096;
/** Lower half of a tag that is none: its page would be the last one of the address space. */
const NO_TAG = 0xffff_ffff;
/** Of `STATE.epoch`. */
const EPOCH_SIGN = -(2 ** 31);
const GENERATIONS = 2 ** 30;
/** Without the tag that some addresses carry in their highest byte. */
const UNTAGGED_BITS = 56;

export interface KeptTranslation {
  readonly kind: DataKind;
  readonly level: Level;
  readonly virtual: bigint;
  /** Host address of the virtual one. */
  readonly host: number;
  /** Of `TAG`. */
  readonly flags: number;
  readonly mappingBits: number;
}

export class TranslationCache {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** Virtual addresses of blocks of which pages are kept, in units of a block. */
  readonly #blocks = new Set<number>();
  #hasGiantBlocks = false;
  /** How often software may have changed what addresses lead to. */
  mappingsGeneration = 0;
  #level: Level = 1;
  #generation = 0;
  #isEmpty = false;

  constructor(buffer: ArrayBufferLike) {
    this.#view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.forgetAll();
  }

  /** The exception level in use. */
  set level(level: Level) {
    this.#level = level;
    this.#writeEpoch();
  }

  /** Tells translated code that it may rest on translations, or on instructions, that are no more. */
  renew(): void {
    this.#generation = (this.#generation + 1) % GENERATIONS;
    this.#writeEpoch();
  }

  #writeEpoch(): void {
    this.#view.setInt32(STATE.epoch, EPOCH_SIGN | (this.#generation << 1) | this.#level, true);
  }

  keep({ kind, level, virtual, host, flags, mappingBits }: KeptTranslation): void {
    const entry = entryOf(kind, level, Number(BigInt.asUintN(32, virtual)));
    const page = BigInt.asUintN(64, virtual & ~0xfffn);
    this.#view.setBigUint64(entry + TRANSLATION.tag, page | BigInt(flags), true);
    const addend = (host & HOST_PAGE_MASK) - Number(BigInt.asUintN(32, page));
    this.#view.setInt32(entry + TRANSLATION.addend, addend | 0, true);
    this.#noteKept(virtual, mappingBits);
  }

  keepCodePage(level: Level, virtual: bigint, firstRecord: number, mappingBits: number): void {
    const entry =
      TRANSLATION_TABLES[level] + CODE + Number((virtual >> 12n) & BigInt(CODE_PAGES - 1)) * TRANSLATION.bytes;
    this.#view.setBigUint64(entry + TRANSLATION.tag, BigInt.asUintN(64, virtual & ~0xfffn), true);
    this.#view.setUint32(entry + TRANSLATION.addend, firstRecord, true);
    this.#noteKept(virtual, mappingBits);
  }

  /** What is kept for an address in halves of 32 bits; undefined where nothing is. */
  find(
    kind: DataKind,
    level: Level,
    low: number,
    high: number,
  ): { readonly host: number; readonly flags: number } | undefined {
    const entry = entryOf(kind, level, low);
    const tag = this.#view.getUint32(entry + TRANSLATION.tag, true);
    const tagHigh = this.#view.getUint32(entry + TRANSLATION.tag + 4, true);
    if (tagHigh !== high || ((tag ^ low) & HOST_PAGE_MASK) !== 0 || tag === NO_TAG) return undefined;
    const host = (low + this.#view.getInt32(entry + TRANSLATION.addend, true)) >>> 0;
    return { host, flags: tag & ~HOST_PAGE_MASK };
  }

  forgetAll(): void {
    this.renew();
    this.mappingsGeneration++;
    if (this.#isEmpty) return;
    this.#isEmpty = true;
    this.#bytes.fill(0xff, TRANSLATION_TABLES[0], TRANSLATION_TABLES_END);
    this.#blocks.clear();
    this.#hasGiantBlocks = false;
  }

  forgetCodePages(): void {
    this.renew();
    for (const table of TRANSLATION_TABLES) {
      this.#bytes.fill(0xff, table + CODE, table + CODE + CODE_PAGES * TRANSLATION.bytes);
    }
  }

  forgetStores(): void {
    for (const table of TRANSLATION_TABLES) this.#bytes.fill(0xff, table + STORES, table + CODE);
  }

  /** Whatever maps an address: its page, or all pages of its block. */
  forgetAddress(virtual: bigint): void {
    this.renew();
    this.mappingsGeneration++;
    if (this.#hasGiantBlocks) {
      this.forgetAll();
      return;
    }
    const page = Number(BigInt.asUintN(UNTAGGED_BITS, virtual) >> BigInt(MAPPING_BITS.page));
    const isInBlock = this.#blocks.has(Math.floor(page / PAGES_OF_BLOCK));
    const [first, count] = isInBlock ? [page - (page % PAGES_OF_BLOCK), PAGES_OF_BLOCK] : [page, 1];
    for (const table of TRANSLATION_TABLES) {
      this.#forgetEntries(table + (first % TRANSLATIONS) * TRANSLATION.bytes, count);
      this.#forgetEntries(table + STORES + (first % TRANSLATIONS) * TRANSLATION.bytes, count);
      this.#forgetEntries(table + CODE + (first % CODE_PAGES) * TRANSLATION.bytes, count);
    }
  }

  #forgetEntries(from: number, count: number): void {
    this.#bytes.fill(0xff, from, from + count * TRANSLATION.bytes);
  }

  #noteKept(virtual: bigint, mappingBits: number): void {
    this.#isEmpty = false;
    if (mappingBits === MAPPING_BITS.page) return;
    if (mappingBits > MAPPING_BITS.block) this.#hasGiantBlocks = true;
    else this.#blocks.add(Number(BigInt.asUintN(UNTAGGED_BITS, virtual) >> BigInt(MAPPING_BITS.block)));
  }
}

/** @param low 32 bits of the virtual address. */
function entryOf(kind: DataKind, level: Level, low: number): number {
  return (
    TRANSLATION_TABLES[level] +
    (kind === "store" ? STORES : 0) +
    ((low >>> 8) & ((TRANSLATIONS - 1) * TRANSLATION.bytes))
  );
}
