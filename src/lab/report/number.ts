import { significant } from "../statistics/wording.ts";

/** e.g. `1.23 ms`. */
export function amount(value: number, unit: string): string {
  return unit === "" ? significant(value) : `${significant(value)} ${unit}`;
}

/** e.g. `1 block`, `3 blocks`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
