/** A machine's translated regions: made of what is hot, shared with other machines, dropped as their instructions change. */
import { HEAT_MAX } from "../dispatch.ts";
import { FIRST_FREE, type HandlerLibrary, PLACES_STEP } from "../interpreter/handlers.ts";
import { PAGE_BYTES, RECORD, RECORD_PAGES, STATE } from "../layout.ts";
import { type Block, type Graph, type GraphSource, type Instruction, makeGraph } from "../translator/graph.ts";
import { REGION_EXPORT, type Translated, translateRegion } from "../translator/region.ts";
import { isSameWindow, type Window, type Windows } from "../translator/windows.ts";
import { translateNow } from "./address-space.ts";
import type { CodeRecords } from "./code.ts";
import type { ProcessorState } from "./state.ts";
import type { DataKind } from "./translation-cache.ts";
import { findWindow, hasRecordsIn, isWindow } from "./windows.ts";

/** First place of regions in a machine's table. */
const FIRST_SLOT = FIRST_FREE + 1;
/** Regions of a machine at most; then all are dropped, and what is hot is translated anew. */
const REGIONS_MAX = 4096;
/** In all regions of a machine at most: the host's code for one takes several hundred bytes. */
const INSTRUCTIONS_MAX = 2 ** 18;
/** Bytes of WebAssembly that are kept for other machines at most. */
const SHARED_BYTES_MAX = 32 * 2 ** 20;
/** In a function of a region at most, and in all that are called by the first. */
const FUNCTION_INSTRUCTIONS_MAX = 500;
const CALLED_INSTRUCTIONS_MAX = 250;
/** Of a region: their records must fit beside those of others. */
const PAGES_MAX = RECORD_PAGES / 8;
const PAGE_MASK = BigInt(PAGE_BYTES - 1);

/** What held when software had changed mappings so often, and the epoch was so. */
interface KnownWindows {
  readonly windows: Windows;
  readonly generation: number;
  readonly epoch: number;
}

interface Region {
  readonly slot: number;
  readonly record: number;
  /** The interpreter's function of the first instruction. */
  readonly handler: number;
  /** Virtual pages of its instructions, and where they lie in the guest's memory. */
  readonly pages: ReadonlyMap<bigint, number>;
  readonly level: 0 | 1;
  readonly windows: Windows;
  readonly instructionCount: number;
}

/** Compiled regions by all that they are made of. */
class SharedModules {
  readonly #modules = new Map<string, { readonly module: WebAssembly.Module; readonly bytes: number }>();
  #bytes = 0;

  /** @returns the module, or how many instructions fit one. */
  get(key: string, make: () => Translated): WebAssembly.Module | number {
    const known = this.#modules.get(key);
    if (known !== undefined) return known.module;
    const translated = make();
    if ("fits" in translated) return translated.fits;
    const { bytes } = translated;
    const made = { module: new WebAssembly.Module(bytes), bytes: bytes.length };
    this.#modules.set(key, made);
    this.#bytes += made.bytes;
    for (const [oldest, { bytes: size }] of this.#modules) {
      if (this.#bytes <= SHARED_BYTES_MAX) break;
      this.#modules.delete(oldest);
      this.#bytes -= size;
    }
    return made.module;
  }
}

/** By the interpreter's functions, which regions name by their places. */
const SHARED = new WeakMap<HandlerLibrary, SharedModules>();

function modulesSharedBy(handlers: HandlerLibrary): SharedModules {
  const known = SHARED.get(handlers) ?? new SharedModules();
  SHARED.set(handlers, known);
  return known;
}

export interface RegionsOptions {
  /** Whatever control comes to is translated at once. */
  readonly isEager: boolean;
  /** Regions count their instructions. */
  readonly counts: boolean;
}

export class Regions {
  readonly isEager: boolean;
  readonly #counts: boolean;
  readonly #state: ProcessorState;
  readonly #code: CodeRecords;
  readonly #shared: SharedModules;
  /** By the record of the first instruction. */
  readonly #regions = new Map<number, Region>();
  /** By the page, as `Region.pages` counts them. */
  readonly #byPage = new Map<number, Set<Region>>();
  readonly #freeSlots: number[] = [];
  #slots = 0;
  #instructionCount = 0;
  /** By exception level. */
  readonly #windows = new Map<0 | 1, KnownWindows>();

  constructor(state: ProcessorState, code: CodeRecords, { isEager, counts }: RegionsOptions) {
    this.#state = state;
    this.#code = code;
    this.#shared = modulesSharedBy(code.handlers);
    this.isEager = isEager;
    this.#counts = counts;
    if (isEager) code.firstHeat = HEAT_MAX - 1;
    state.memory.onCodeChanged = (page) => {
      for (const region of this.#byPage.get(page) ?? []) this.#drop(region);
    };
  }

  /** Number of regions that are held. */
  get count(): number {
    return this.#regions.size;
  }

  /** Whether there is a region at a record. */
  has(record: number): boolean {
    return this.#regions.has(record);
  }

  /** Translates what begins at `pc`, if it can be. @param record its record. */
  translate(record: number): void {
    for (let most = FUNCTION_INSTRUCTIONS_MAX; most > 0; ) {
      const fits = this.#translate(record, most);
      if (fits === undefined) return;
      most = Math.min(fits, most >> 1);
    }
  }

  /** @returns how many instructions are to be tried where so many make too much code. */
  #translate(record: number, instructionsMax: number): number | undefined {
    const { pc } = this.#state;
    const pages = new Map<bigint, number>();
    const graphs = graphsFrom({
      pageOffset: Number(pc & PAGE_MASK),
      read: (at) => this.#word(BigInt.asUintN(64, pc + BigInt(at)), pages),
      instructionsMax,
    });
    if (graphs === undefined || !this.#fill(graphs, pc, pages) || this.#recordAt(pc, pages) !== record)
      return undefined;
    const instructionCount = graphs.reduce((sum, graph) => sum + graph.instructionCount, 0);
    const isFull = this.#regions.size === REGIONS_MAX || this.#instructionCount + instructionCount > INSTRUCTIONS_MAX;
    if (isFull) this.#dropAll();
    const { level } = this.#state;
    const windows = this.#currentWindows();
    const handlerOf = ({ word, placed }: Instruction) =>
      this.#code.handlers.find(word, placed.pageOffset).handler.index;
    const make = () => translateRegion({ graphs, entry: pc, level, windows, handlerOf, counts: this.#counts });
    const module = this.#shared.get(keyOf(graphs, pc, level, windows, this.#counts), make);
    if (typeof module === "number") return module;
    this.#install(record, module, { pages, level, windows, instructionCount });
    return undefined;
  }

  /** A region was entered for which addresses may be translated otherwise now. @param record its first instruction's. */
  revalidate(record: number): void {
    const region = this.#regions.get(record);
    if (region === undefined) return;
    const { load, store } = this.#currentWindows();
    const holds =
      region.level === this.#state.level &&
      isSameWindow(region.windows.load, load) &&
      isSameWindow(region.windows.store, store) &&
      [...region.pages].every(([virtual, page]) => this.#pageOf(virtual) === page);
    if (holds) this.#state.view.setInt32(record + RECORD.heat, this.#epoch, true);
    else this.#drop(region);
  }

  get #epoch(): number {
    return this.#state.view.getInt32(STATE.epoch, true);
  }

  #currentWindows(): Windows {
    const state = this.#state;
    const epoch = this.#epoch;
    const generation = state.memory.translations.mappingsGeneration;
    const known = this.#windows.get(state.level);
    if (known?.epoch === epoch) return known.windows;
    const isMappedAsBefore = known?.generation === generation;
    const window = (kind: DataKind) => this.#window(kind, known?.windows[kind], isMappedAsBefore);
    const windows = { load: window("load"), store: window("store") };
    this.#windows.set(state.level, { windows, generation, epoch });
    return windows;
  }

  /** The one before, as long as it holds, since regions rest on it; else around the stack. */
  #window(kind: DataKind, before: Window | undefined, isMappedAsBefore: boolean): Window | undefined {
    const state = this.#state;
    if (before !== undefined) {
      const holds = isMappedAsBefore ? kind === "load" || !hasRecordsIn(state, before) : isWindow(state, kind, before);
      if (holds) return before;
    }
    return (
      findWindow(state, kind, state.getRegister(31)) ??
      (before === undefined ? undefined : findWindow(state, kind, before.start))
    );
  }

  /** The page of the guest's memory in which a virtual page's instructions lie; undefined where they may not be executed. */
  #pageOf(virtual: bigint): number | undefined {
    const found = translateNow(this.#state, virtual, "execute", this.#state.level === 0);
    if (found.isFault || this.#state.memory.host(found.address, PAGE_BYTES) === undefined) return undefined;
    return Math.floor(found.address / PAGE_BYTES);
  }

  /** @param pages is filled with what is found, as long as there is room. */
  #word(pc: bigint, pages: Map<bigint, number>): number | undefined {
    const virtual = pc & ~PAGE_MASK;
    const page = pages.get(virtual) ?? (pages.size < PAGES_MAX ? this.#pageOf(virtual) : undefined);
    if (page === undefined) return undefined;
    pages.set(virtual, page);
    const host = this.#state.memory.host(page * PAGE_BYTES + Number(pc & PAGE_MASK), 4);
    return host === undefined ? undefined : this.#state.view.getUint32(host, true);
  }

  /** Fills the records of all instructions, since the interpreter may be asked for any. @returns false where there is no room for all. */
  #fill(graphs: readonly Graph[], entry: bigint, pages: ReadonlyMap<bigint, number>): boolean {
    const { memory } = this.#state;
    const before = memory.recordsGeneration;
    for (const { instructions } of graphs.flatMap(({ blocks }) => blocks)) {
      for (const { at } of instructions) {
        const pc = BigInt.asUintN(64, entry + BigInt(at));
        const page = pages.get(pc & ~PAGE_MASK);
        if (page === undefined) return false;
        this.#code.fill(page * PAGE_BYTES + Number(pc & PAGE_MASK));
      }
    }
    return memory.recordsGeneration === before;
  }

  #recordAt(pc: bigint, pages: ReadonlyMap<bigint, number>): number | undefined {
    const page = pages.get(pc & ~PAGE_MASK);
    return page === undefined ? undefined : this.#code.recordOf(page * PAGE_BYTES + Number(pc & PAGE_MASK));
  }

  #install(
    record: number,
    module: WebAssembly.Module,
    parts: Pick<Region, "pages" | "level" | "windows" | "instructionCount">,
  ): void {
    const { view } = this.#state;
    const slot = this.#freeSlots.pop() ?? FIRST_SLOT + PLACES_STEP * this.#slots++;
    const { [REGION_EXPORT]: made } = new WebAssembly.Instance(module, this.#code.imports).exports;
    if (made === undefined) throw new Error("a region's module exports nothing");
    this.#code.setFunction(slot, made);
    const region = { slot, record, handler: view.getUint32(record + RECORD.handler, true), ...parts };
    this.#regions.set(record, region);
    this.#instructionCount += region.instructionCount;
    for (const page of region.pages.values()) {
      const regions = this.#byPage.get(page) ?? new Set();
      regions.add(region);
      this.#byPage.set(page, regions);
    }
    view.setUint32(record + RECORD.handler, slot, true);
    view.setInt32(record + RECORD.heat, this.#epoch, true);
  }

  #drop(region: Region): void {
    const { view } = this.#state;
    const { record, slot, handler, pages } = region;
    this.#regions.delete(record);
    this.#instructionCount -= region.instructionCount;
    for (const page of pages.values()) {
      const regions = this.#byPage.get(page);
      regions?.delete(region);
      if (regions?.size === 0) this.#byPage.delete(page);
    }
    this.#code.clearFunction(slot);
    this.#freeSlots.push(slot);
    if (view.getUint32(record + RECORD.handler, true) === slot) view.setUint32(record + RECORD.handler, handler, true);
    view.setInt32(record + RECORD.heat, 0, true);
  }

  #dropAll(): void {
    for (const region of [...this.#regions.values()]) this.#drop(region);
  }
}

type Graphs = readonly [Graph, ...Graph[]];

/** The function at the entry, and what it calls as far as there is room. */
function graphsFrom(source: GraphSource): Graphs | undefined {
  const first = makeGraph(0, source);
  if (first === undefined) return undefined;
  const graphs: [Graph, ...Graph[]] = [first];
  let left = CALLED_INSTRUCTIONS_MAX;
  const seen = new Set<number>();
  for (const { blocks } of graphs) {
    for (const start of calledBy(blocks)) {
      if (seen.has(start) || left <= 0) continue;
      seen.add(start);
      const graph = makeGraph(start, { ...source, instructionsMax: Math.min(left, source.instructionsMax) });
      if (graph === undefined) continue;
      graphs.push(graph);
      left -= graph.instructionCount;
    }
  }
  return graphs;
}

function calledBy(blocks: readonly Block[]): readonly number[] {
  return blocks.flatMap(({ instructions }) => {
    const last = instructions.at(-1);
    return last?.flow.kind === "call" ? [last.at + last.flow.offset] : [];
  });
}

function keyOf(graphs: Graphs, entry: bigint, level: number, { load, store }: Windows, counts: boolean): string {
  const windows = [load, store].map((window) =>
    window === undefined ? "none" : `${window.start},${window.length},${window.addend}`,
  );
  const words = graphs.flatMap(({ start, blocks }) => [
    start,
    ...blocks.map(({ instructions }) => instructions.map(({ at, word }) => `${at}:${word}`).join()),
  ]);
  return [entry, level, counts, ...windows, ...words].join(";");
}
