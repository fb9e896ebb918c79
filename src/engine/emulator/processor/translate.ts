/** Stage 1 translation of EL1 and EL0 with the 4 KiB granule (Arm ARM, D8). */
import { FAULT } from "./syndrome.ts";

export type AccessKind = "load" | "store" | "execute";

/** The registers that decide. */
export interface TranslationRegisters {
  readonly sctlr: bigint;
  readonly tcr: bigint;
  readonly ttbr0: bigint;
  readonly ttbr1: bigint;
}

export type Translation =
  | { readonly isFault: false; readonly address: number }
  /** @param status for the syndrome. */
  | { readonly isFault: true; readonly status: number };

const PAGE_BITS = 12n;
/** Bits of an address that one level translates. */
const LEVEL_BITS = 9n;
const LEAF_LEVEL = 3;
/** Output addresses that ID_AA64MMFR0_EL1 tells of. */
export const PHYSICAL_BITS = 40n;

const SCTLR = { mmu: 1n << 0n, wxn: 1n << 19n } as const;
const DESCRIPTOR = {
  valid: 1n << 0n,
  tableOrPage: 1n << 1n,
  user: 1n << 6n,
  readOnly: 1n << 7n,
  accessed: 1n << 10n,
  privilegedNoExecute: 1n << 53n,
  userNoExecute: 1n << 54n,
  address: 0xffff_ffff_f000n,
} as const;
const TABLE = {
  privilegedNoExecute: 1n << 59n,
  userNoExecute: 1n << 60n,
  noUser: 1n << 61n,
  readOnly: 1n << 62n,
} as const;

const fault = (status: number, level: number): Translation => ({ isFault: true, status: status | level });

interface Half {
  readonly table: bigint;
  readonly inputBits: bigint;
  readonly isDisabled: boolean;
}

/** TTBR0's half or TTBR1's; undefined where the address is in neither. */
function halfOf(
  { tcr, ttbr0, ttbr1 }: TranslationRegisters,
  virtual: bigint,
): { half: Half; input: bigint } | undefined {
  const isUpper = ((virtual >> 55n) & 1n) === 1n;
  const shift = isUpper ? 16n : 0n;
  const inputBits = 64n - ((tcr >> shift) & 0x3fn);
  const ignoresTop = ((tcr >> (isUpper ? 38n : 37n)) & 1n) === 1n;
  const compared = ignoresTop ? BigInt.asUintN(56, virtual) : virtual;
  const top = compared >> inputBits;
  const expected = isUpper ? (ignoresTop ? (1n << 56n) - 1n : (1n << 64n) - 1n) >> inputBits : 0n;
  if (top !== expected) return undefined;
  const half = {
    table: (isUpper ? ttbr1 : ttbr0) & DESCRIPTOR.address,
    inputBits,
    isDisabled: ((tcr >> (shift + 7n)) & 1n) === 1n,
  };
  return { half, input: BigInt.asUintN(Number(inputBits), virtual) };
}

/** @returns the descriptor at a physical address; undefined where there is no memory. */
export type ReadDescriptor = (address: bigint) => bigint | undefined;

/**
 * Translates an address.
 * @param isUser with the rights of EL0.
 */
export function translate(
  registers: TranslationRegisters,
  read: ReadDescriptor,
  virtual: bigint,
  kind: AccessKind,
  isUser: boolean,
): Translation {
  if ((registers.sctlr & SCTLR.mmu) === 0n) {
    if (virtual >> PHYSICAL_BITS !== 0n) return fault(FAULT.addressSize, 0);
    return { isFault: false, address: Number(virtual) };
  }
  const found = halfOf(registers, virtual);
  if (found === undefined || found.half.isDisabled) return fault(FAULT.translation, 0);
  const { half, input } = found;
  let level = LEAF_LEVEL - Math.ceil(Number(half.inputBits - PAGE_BITS) / Number(LEVEL_BITS)) + 1;
  let { table } = half;
  let inherited = 0n;
  for (; ; level++) {
    const shift = PAGE_BITS + LEVEL_BITS * BigInt(LEAF_LEVEL - level);
    const index =
      (input >> shift) &
      (level === 0 || shift + LEVEL_BITS > half.inputBits ? (1n << (half.inputBits - shift)) - 1n : 0x1ffn);
    const descriptor = read(table + 8n * index);
    if (descriptor === undefined) return fault(FAULT.external | 0x4, level);
    const isTableOrPage = (descriptor & DESCRIPTOR.tableOrPage) !== 0n;
    const isLeaf = level === LEAF_LEVEL ? isTableOrPage : !isTableOrPage;
    if ((descriptor & DESCRIPTOR.valid) === 0n || (isLeaf && level === 0) || (level === LEAF_LEVEL && !isLeaf)) {
      return fault(FAULT.translation, level);
    }
    const next = descriptor & DESCRIPTOR.address;
    if (next >> PHYSICAL_BITS !== 0n) return fault(FAULT.addressSize, level);
    if (!isLeaf) {
      table = next;
      inherited |= descriptor;
      continue;
    }
    if ((descriptor & DESCRIPTOR.accessed) === 0n) return fault(FAULT.accessFlag, level);
    const allowed = isAllowed(descriptor, inherited, kind, isUser, (registers.sctlr & SCTLR.wxn) !== 0n);
    if (!allowed) return fault(FAULT.permission, level);
    const mask = (1n << shift) - 1n;
    return { isFault: false, address: Number((next & ~mask) | (input & mask)) };
  }
}

/** @param inherited bits of the tables on the way. */
function isAllowed(descriptor: bigint, inherited: bigint, kind: AccessKind, isUser: boolean, wxn: boolean): boolean {
  const has = (bit: bigint) => (descriptor & bit) !== 0n;
  const takes = (bit: bigint) => (inherited & bit) !== 0n;
  const userMay = has(DESCRIPTOR.user) && !takes(TABLE.noUser);
  const writable = !has(DESCRIPTOR.readOnly) && !takes(TABLE.readOnly);
  if (kind !== "execute") return (!isUser || userMay) && (kind === "load" || writable);
  if (isUser) {
    const never = has(DESCRIPTOR.userNoExecute) || takes(TABLE.userNoExecute);
    return userMay && !never && !(wxn && writable);
  }
  const never = has(DESCRIPTOR.privilegedNoExecute) || takes(TABLE.privilegedNoExecute);
  return !never && !(userMay && writable) && !(wxn && writable);
}
