/** What a region's loads and stores may reach without asking: virtual addresses behind one another that lie so in memory too. */

export interface Window {
  /** Virtual address of the first byte. */
  readonly start: bigint;
  /** Bytes. */
  readonly length: bigint;
  /** Host address less virtual address. */
  readonly addend: bigint;
}

/** Undefined where there is none; each access then looks into the table of translations. */
export interface Windows {
  readonly load: Window | undefined;
  readonly store: Window | undefined;
}

export function isSameWindow(a: Window | undefined, b: Window | undefined): boolean {
  return a?.start === b?.start && a?.length === b?.length && a?.addend === b?.addend;
}
