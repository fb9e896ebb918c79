/** Where what lies in a machine's WebAssembly memory: its registers, its caches of translations, then the guest's memory. */

const X = 0;
/** Registers in slots of 8 bytes: X0 to X30, one that reads zero, the stack pointer in use, one that nobody reads. */
export const SLOT = { zero: 31, stackPointer: 32, sink: 33 } as const;

export const STATE = {
  x: (slot: number): number => X + 8 * slot,
  /** Negative where the N flag is set; 64 bits. */
  n: 0x118,
  /** Zero where the Z flag is set; 64 bits. */
  z: 0x120,
  /** 0 or 1; 32 bits each. */
  c: 0x128,
  v: 0x12c,
  fpcr: 0x130,
  fpsr: 0x134,
  /** Branches backwards that are left in this turn; 32 bits. */
  budget: 0x138,
  /** The record at which the interpreter stopped; 32 bits. */
  record: 0x13c,
  /** Program counter less an eighth of the record's address; 64 bits. */
  pcBase: 0x140,
  /** Where a branch leads for which there is no record at hand; 64 bits. */
  target: 0x148,
  /** The translations at the exception level in use; 32 bits. */
  translations: 0x150,
  /** What an exit tells beside its reason; 64 bits. */
  detail: 0x158,
  /** Address that LDXR marked, and what it loaded; an address of all ones is none. */
  exclusiveAddress: 0x160,
  exclusiveLow: 0x168,
  exclusiveHigh: 0x170,
  /** 0 where FP and SIMD may be used; 32 bits. */
  vectorTrap: 0x178,
  /**
   * Where floating point is as WebAssembly's (FPCR rounds to nearest and does not flush to zero) and FPSR.IXC is set, what
   * numbers are surely neither tiny nor infinite; else none: see `float/limits.ts`. 32 bits each.
   */
  floatLimit64: 0x17c,
  floatLimit32: 0x180,
  /** The topmost entry of `RETURNS`; 32 bits. */
  returns: 0x1c0,
  /** What a region's record says while the region holds; changes with translations of addresses. Negative, 32 bits. */
  epoch: 0x1c4,
  /** Instructions that were interpreted and translated ones that were run, where they are counted; 64 bits each. */
  interpreted: 0x1c8,
  translated: 0x1d0,
  /** 128 bits each. */
  vector: (register: number): number => 0x200 + 16 * register,
  /** What crosses pages, goes to a device, or to a page with code, is copied through here. */
  bounce: 0x400,
} as const;
/** Host addresses of data below are in the bounce buffer. */
export const BOUNCE_END = 0x440;

/**
 * Where calls of translated code come from: 64 bits each, the addresses at which they go on. Below the first lies what is no
 * address of code.
 */
export const RETURNS = { address: 0x8000, end: 0x8000 + 8 * 128, entryBytes: 8, none: -1n } as const;

/** A translation: tag of 64 bits (the page's virtual address, or -1), and what makes a virtual address a host address. */
export const TRANSLATION = { bytes: 16, tag: 0, addend: 8 } as const;
/**
 * In a tag, beside the page's address: not every access that hits may pass by TypeScript, so the tag is no page's address.
 * No access has them in its address's bits that are compared (the lowest four, of accesses that must be aligned).
 */
export const TAG = {
  /** What is not aligned faults. */
  aligned: 0x100,
  /** Stores may change instructions. */
  code: 0x200,
} as const;
export const TRANSLATIONS = 4096;
const TABLE_BYTES = TRANSLATIONS * TRANSLATION.bytes;
/** From an exception level's translations of loads to those of stores, and to its pages of code. */
export const STORES = TABLE_BYTES;
export const CODE = 2 * TABLE_BYTES;
/** Pages of code: tag of 64 bits (virtual address, or -1), then the page's first record. */
export const CODE_PAGES = 1024;
export const CODE_TABLE_BYTES = CODE_PAGES * TRANSLATION.bytes;
const LEVEL_BYTES = CODE + CODE_TABLE_BYTES;
/** By exception level: translations of loads, of stores, and pages of code. */
export const TRANSLATION_TABLES = [0x10000, 0x10000 + LEVEL_BYTES] as const;
export const TRANSLATION_TABLES_END = 0x10000 + 2 * LEVEL_BYTES;

/** A predecoded instruction: its handler's index in the table, how hot it is, and its operands. */
export const RECORD = { bytes: 32, handler: 0, heat: 4, operands: 8 } as const;
export const RECORDS_A_PAGE = 1024;
/** A page's records, and one behind them that leads to the next page. */
export const RECORD_PAGE_BYTES = (RECORDS_A_PAGE + 2) * RECORD.bytes;
export const RECORD_PAGES_ADDRESS = TRANSLATION_TABLES_END;
export const RECORD_PAGES = 480;

const WASM_PAGE_BYTES = 65536;
/** First byte of the guest's memory. */
export const GUEST_ADDRESS =
  Math.ceil((RECORD_PAGES_ADDRESS + RECORD_PAGES * RECORD_PAGE_BYTES) / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
export const PAGE_BYTES = 4096;
