/** A machine's WebAssembly memory: state, translations, records and the guest's memory, behind one another. */
import { updateFloatLimits } from "../float/limits.ts";
import {
  GUEST_ADDRESS,
  PAGE_BYTES,
  RECORD,
  RECORD_PAGE_BYTES,
  RECORD_PAGES,
  RECORD_PAGES_ADDRESS,
  RECORDS_A_PAGE,
} from "../layout.ts";
import { TranslationCache } from "./translation-cache.ts";

const WASM_PAGE_BYTES = 65536;
/** WebAssembly's memories end there. */
const MEMORY_BYTES_MAX = 2 ** 32;
/** The last host addresses are no guest's: among them is the one by which host functions say that there is none. */
export const GUEST_BYTES_MAX = MEMORY_BYTES_MAX - GUEST_ADDRESS - 2 ** 21;

/** Stores to a line without instructions change no records. */
const LINE_BYTES = 64;
const LINES_A_PAGE = PAGE_BYTES / LINE_BYTES;
const INSTRUCTION_BYTES = 4;

/** Where a page's records lie, by the page's number, and whose they are. */
export class MachineMemory {
  readonly memory: WebAssembly.Memory;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly guestBytes: number;
  readonly translations: TranslationCache;
  /** Called with the number of each page whose instructions were written, or whose records are gone. */
  onCodeChanged: (page: number) => void = () => {};
  /** How often all records were dropped. */
  recordsGeneration = 0;
  /** By the number of a page of the guest's memory: its first record, or 0. */
  readonly #records: Uint32Array;
  /** By the number of a page: 1 where stores to it may be kept as plain translations. */
  readonly #isStoredTo: Uint8Array;
  /** By the place of a page's records: the page's number. */
  readonly #pages = new Uint32Array(RECORD_PAGES);
  /** By the place of a page's records, then by line: 1 where records were filled from it. */
  readonly #lines = new Uint8Array(RECORD_PAGES * LINES_A_PAGE);
  #usedPages = 0;

  /** @param guestBytes a multiple of the page, at most `GUEST_BYTES_MAX`. @throws RangeError where there is no room. */
  constructor(guestBytes: number) {
    const pages = Math.ceil((GUEST_ADDRESS + guestBytes) / WASM_PAGE_BYTES);
    // Shared with nobody: V8 counts the bytes of every other memory as load on its heap, touched or not.
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.view = new DataView(this.memory.buffer);
    updateFloatLimits(this.view);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.guestBytes = guestBytes;
    this.#records = new Uint32Array(Math.ceil(guestBytes / PAGE_BYTES));
    this.#isStoredTo = new Uint8Array(this.#records.length);
    this.translations = new TranslationCache(this.memory.buffer);
  }

  /** Host address of guest-physical bytes; undefined where they are not all there. */
  host(physical: number, bytes: number): number | undefined {
    return physical >= 0 && physical + bytes <= this.guestBytes ? GUEST_ADDRESS + physical : undefined;
  }

  /** Tells that generated code will store to a page without asking. @returns false where the page has records. */
  mayStorePlainly(physical: number): boolean {
    const page = Math.floor(physical / PAGE_BYTES);
    if (this.#records[page] !== 0) return false;
    this.#isStoredTo[page] = 1;
    return true;
  }

  /** Whether stores to a stretch may change records. */
  hasRecords(physical: number, bytes: number): boolean {
    const last = Math.floor((physical + bytes - 1) / PAGE_BYTES);
    for (let page = Math.floor(physical / PAGE_BYTES); page <= last; page++) {
      if ((this.#records[page] ?? 0) !== 0) return true;
    }
    return false;
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
    this.#lines.fill(0, place * LINES_A_PAGE, (place + 1) * LINES_A_PAGE);
    this.#records[page] = first;
    this.translations.renew();
    if (this.#isStoredTo[page] === 1) {
      this.#isStoredTo[page] = 0;
      this.translations.forgetStores();
    }
    return first;
  }

  /** All instructions are decoded anew, those behind the one that runs too. */
  forgetAllInstructions(): void {
    for (const page of this.#pages.slice(0, this.#usedPages)) this.forgetInstructions(page * PAGE_BYTES, PAGE_BYTES);
  }

  #dropRecords(): void {
    const dropped = this.#pages.slice(0, this.#usedPages);
    this.#usedPages = 0;
    this.recordsGeneration++;
    this.#records.fill(0);
    // Pages of code, and stores to them that may pass by TypeScript now.
    this.translations.forgetAll();
    for (const page of dropped) this.onCodeChanged(page);
  }

  /** The guest-physical address of a record's instruction. */
  physicalOf(record: number): number {
    const offset = record - RECORD_PAGES_ADDRESS;
    const place = Math.floor(offset / RECORD_PAGE_BYTES);
    const index = (offset - place * RECORD_PAGE_BYTES) / RECORD.bytes;
    return (this.#pages[place] ?? 0) * PAGE_BYTES + INSTRUCTION_BYTES * index;
  }

  /** Tells that instructions were read from there, in one page that has records: stores to them are told of from now on. */
  noteInstructions(physical: number, bytes: number): void {
    const lines = this.#linesOf(Math.floor(physical / PAGE_BYTES));
    if (lines === undefined) return;
    const offset = physical % PAGE_BYTES;
    const last = Math.floor((offset + bytes - 1) / LINE_BYTES);
    this.#lines.fill(1, lines + Math.floor(offset / LINE_BYTES), lines + last + 1);
  }

  /** What was or will be written there at once is decoded anew. */
  forgetInstructions(physical: number, bytes: number): void {
    const last = Math.floor((physical + bytes - 1) / LINE_BYTES);
    for (let line = Math.floor(physical / LINE_BYTES); line <= last; line++) {
      const page = Math.floor(line / LINES_A_PAGE);
      const lines = this.#linesOf(page);
      const at = (lines ?? 0) + (line % LINES_A_PAGE);
      if (lines === undefined || this.#lines[at] === 0) continue;
      this.#lines[at] = 0;
      this.#forgetLine(
        (this.#records[page] ?? 0) + (line % LINES_A_PAGE) * (LINE_BYTES / INSTRUCTION_BYTES) * RECORD.bytes,
      );
      this.onCodeChanged(page);
    }
  }

  #forgetLine(firstRecord: number): void {
    const end = firstRecord + (LINE_BYTES / INSTRUCTION_BYTES) * RECORD.bytes;
    for (let record = firstRecord; record < end; record += RECORD.bytes) {
      this.view.setUint32(record + RECORD.handler, 0, true);
    }
  }

  /** Where the lines of a page are told of; undefined where it has no records. */
  #linesOf(page: number): number | undefined {
    const records = this.#records[page];
    if (records === undefined || records === 0) return undefined;
    return ((records - RECORD_PAGES_ADDRESS) / RECORD_PAGE_BYTES) * LINES_A_PAGE;
  }
}
