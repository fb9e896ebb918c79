/** A machine's WebAssembly memory: state, translations, records and the guest's memory, behind one another. */
import {
  CODE_PAGES,
  CODE_PAGES_ADDRESS,
  GUEST_ADDRESS,
  PAGE_BYTES,
  RECORD,
  RECORD_PAGE_BYTES,
  RECORD_PAGES,
  RECORD_PAGES_ADDRESS,
  RECORDS_A_PAGE,
  STORES,
  TRANSLATION,
  TRANSLATION_TABLES,
  TRANSLATION_TABLES_END,
  TRANSLATIONS,
} from "../layout.ts";

const WASM_PAGE_BYTES = 65536;
/** WebAssembly's memories end there. */
const MEMORY_BYTES_MAX = 2 ** 32;
export const GUEST_BYTES_MAX = MEMORY_BYTES_MAX - GUEST_ADDRESS;

/** Where a page's records lie, by the page's number, and whose they are. */
export class MachineMemory {
  readonly memory: WebAssembly.Memory;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly guestBytes: number;
  /** By the number of a page of the guest's memory: its first record, or 0. */
  readonly #records: Uint32Array;
  /** By the place of a page's records: the page's number. */
  readonly #pages = new Uint32Array(RECORD_PAGES);
  #usedPages = 0;
  /** Called with the number of each page whose instructions were written, or whose records are gone. */
  onCodeChanged: (page: number) => void = () => {};

  /** @param guestBytes a multiple of the page, at most `GUEST_BYTES_MAX`. @throws RangeError where there is no room. */
  constructor(guestBytes: number) {
    const pages = Math.ceil((GUEST_ADDRESS + guestBytes) / WASM_PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.view = new DataView(this.memory.buffer);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.guestBytes = guestBytes;
    this.#records = new Uint32Array(Math.ceil(guestBytes / PAGE_BYTES));
    this.forgetTranslations();
  }

  /** Host address of guest-physical bytes; undefined where they are not all there. */
  host(physical: number, bytes: number): number | undefined {
    return physical >= 0 && physical + bytes <= this.guestBytes ? GUEST_ADDRESS + physical : undefined;
  }

  forgetTranslations(): void {
    this.#invalidate(TRANSLATION_TABLES[0], TRANSLATION_TABLES_END);
    this.forgetCodePages();
  }

  forgetCodePages(): void {
    this.#invalidate(CODE_PAGES_ADDRESS, CODE_PAGES_ADDRESS + CODE_PAGES * TRANSLATION.bytes);
  }

  /** All tags become -1. */
  #invalidate(from: number, to: number): void {
    this.bytes.fill(0xff, from, to);
  }

  /** Keeps a translation for accesses of a whole page. */
  keepTranslation(kind: "load" | "store", level: 0 | 1, virtual: bigint, host: number): void {
    const table = TRANSLATION_TABLES[level] + (kind === "store" ? STORES : 0);
    const entry = table + Number((virtual >> 12n) & BigInt(TRANSLATIONS - 1)) * TRANSLATION.bytes;
    const page = BigInt.asUintN(64, virtual & ~0xfffn);
    this.view.setBigUint64(entry + TRANSLATION.tag, page, true);
    const hostPage = host - (host % PAGE_BYTES);
    this.view.setInt32(entry + TRANSLATION.addend, (hostPage - Number(BigInt.asUintN(32, page))) | 0, true);
  }

  keepCodePage(virtual: bigint, firstRecord: number): void {
    const entry = CODE_PAGES_ADDRESS + Number((virtual >> 12n) & BigInt(CODE_PAGES - 1)) * TRANSLATION.bytes;
    this.view.setBigUint64(entry + TRANSLATION.tag, BigInt.asUintN(64, virtual & ~0xfffn), true);
    this.view.setUint32(entry + TRANSLATION.addend, firstRecord, true);
  }

  /** Whether stores to the page may change records. */
  hasRecords(physical: number): boolean {
    return this.#records[Math.floor(physical / PAGE_BYTES)] !== 0;
  }

  /** The first record of a page, which gets records where it has none. @param nextPage handler of what lies behind the page. */
  recordsOf(physical: number, nextPage: number): number {
    const page = Math.floor(physical / PAGE_BYTES);
    const known = this.#records[page];
    if (known !== undefined && known !== 0) return known;
    if (this.#usedPages === RECORD_PAGES) this.#dropRecords();
    const place = this.#usedPages++;
    const first = RECORD_PAGES_ADDRESS + place * RECORD_PAGE_BYTES;
    this.bytes.fill(0, first, first + RECORD_PAGE_BYTES);
    this.view.setUint32(first + RECORDS_A_PAGE * RECORD.bytes + RECORD.handler, nextPage, true);
    this.#pages[place] = page;
    this.#records[page] = first;
    // Stores to the page must not pass by any more.
    for (const table of TRANSLATION_TABLES) this.#invalidate(table + STORES, table + 2 * STORES);
    return first;
  }

  #dropRecords(): void {
    const dropped = this.#pages.slice(0, this.#usedPages);
    this.#usedPages = 0;
    this.#records.fill(0);
    this.forgetCodePages();
    for (const page of dropped) this.onCodeChanged(page);
  }

  /** The guest-physical address of a record's instruction. */
  physicalOf(record: number): number {
    const offset = record - RECORD_PAGES_ADDRESS;
    const place = Math.floor(offset / RECORD_PAGE_BYTES);
    const index = (offset - place * RECORD_PAGE_BYTES) / RECORD.bytes;
    return (this.#pages[place] ?? 0) * PAGE_BYTES + 4 * index;
  }

  /** What was written there is decoded anew. */
  forgetInstructions(physical: number, bytes: number): void {
    const first = physical - (physical % 4);
    for (let at = first; at < physical + bytes; at += 4) {
      const records = this.#records[Math.floor(at / PAGE_BYTES)];
      if (records === undefined || records === 0) continue;
      this.view.setUint32(records + ((at % PAGE_BYTES) / 4) * RECORD.bytes + RECORD.handler, 0, true);
    }
    const last = Math.floor((physical + bytes - 1) / PAGE_BYTES);
    for (let page = Math.floor(physical / PAGE_BYTES); page <= last; page++) {
      if ((this.#records[page] ?? 0) !== 0) this.onCodeChanged(page);
    }
  }
}
