/** Stage 1 translation of EL1 and EL0 with the 4 KiB granule (Arm ARM, D8). */
import { FAULT } from "./syndrome.ts";
import { MAPPING_BITS } from "./translation-cache.ts";

export type AccessKind = "load" | "store" | "execute";

/** The registers that decide. */
export interface TranslationRegisters {
  readonly sctlr: bigint;
  readonly tcr: bigint;
  readonly ttbr0: bigint;
  readonly ttbr1: bigint;
  readonly mair: bigint;
}

export interface Mapped {
  readonly isFault: false;
  readonly address: number;
  /** As MAIR_EL1 describes memory (D17.2.97); 0 is the strictest, of devices. */
  readonly attributes: number;
  /** As descriptors have it. */
  readonly shareability: number;
  /** Address bits that the whole mapping spans. */
  readonly mappingBits: number;
  /** Physical address of its descriptor; undefined while the MMU is off. */
  readonly descriptorAt: number | undefined;
}

export type Translation =
  | Mapped
  /** @param status for the syndrome. */
  | { readonly isFault: true; readonly status: number };

/** Bits of an address that one level translates. */
const LEVEL_BITS = 9;
const LEAF_LEVEL = 3;
export const DESCRIPTOR_BYTES = 8;
/** Output addresses that ID_AA64MMFR0_EL1 tells of; TCR_EL1.IPS may allow fewer, by its value. */
export const PHYSICAL_BITS = 40;
const OUTPUT_BITS = [32, 36, PHYSICAL_BITS] as const;
/** Of TCR_EL1.T0SZ and T1SZ: others make every address fault ("Configuration of the input address size", D8.1.9). */
const SIZE_OFFSETS = { from: 16, to: 39 } as const;

export const SCTLR = { mmu: 1n << 0n, wxn: 1n << 19n } as const;
/** TCR_EL1, by half of the address space (D17.2.131). */
const TCR = [
  { sizeShift: 0n, disabled: 1n << 7n, ignoresTop: 1n << 37n },
  { sizeShift: 16n, disabled: 1n << 23n, ignoresTop: 1n << 38n },
] as const;
const TCR_OUTPUT_SHIFT = 32n;
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
/** TTBR0_EL1 and TTBR1_EL1: the ASID is above it. */
const TABLE_ADDRESS = 0xffff_ffff_fffen;
const SHAREABILITY = { outer: 2 } as const;

/** By a byte of MAIR_EL1: in memory of devices what is not aligned faults (B2.7.2). */
export function isDevice(attributes: number): boolean {
  return attributes < 0x10;
}

const fault = (status: number, level: number): Translation => ({ isFault: true, status: status | level });

function halfOf(virtual: bigint): 0 | 1 {
  return ((virtual >> 55n) & 1n) === 1n ? 1 : 0;
}

/** What an address is without the tag that TCR_EL1.TBI0 or TBI1 let it carry (D8.1.4, "Address tagging"). */
export function withoutTag(tcr: bigint, virtual: bigint): bigint {
  const half = halfOf(virtual);
  if ((tcr & TCR[half].ignoresTop) === 0n) return virtual;
  return half === 1 ? virtual | (0xffn << 56n) : BigInt.asUintN(56, virtual);
}

/** @returns the descriptor at a physical address; undefined where there is no memory. */
export type ReadDescriptor = (address: number) => bigint | undefined;

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
  const { sctlr, tcr } = registers;
  const address = withoutTag(tcr, virtual);
  if ((sctlr & SCTLR.mmu) === 0n) return flat(address, kind);
  const half = halfOf(address);
  const sizeOffset = Number((tcr >> TCR[half].sizeShift) & 0x3fn);
  if (sizeOffset < SIZE_OFFSETS.from || sizeOffset > SIZE_OFFSETS.to) return fault(FAULT.translation, 0);
  const inputBits = 64 - sizeOffset;
  const top = BigInt.asIntN(64, address) >> BigInt(inputBits);
  if (top !== (half === 1 ? -1n : 0n) || (tcr & TCR[half].disabled) !== 0n) return fault(FAULT.translation, 0);
  const walked = walk(read, {
    input: BigInt.asUintN(inputBits, address),
    inputBits,
    outputBits: OUTPUT_BITS[Number((tcr >> TCR_OUTPUT_SHIFT) & 7n)] ?? PHYSICAL_BITS,
    root: (half === 1 ? registers.ttbr1 : registers.ttbr0) & TABLE_ADDRESS,
  });
  if (walked.isFault) return walked;
  const { descriptor, level, mappingBits, output } = walked;
  const wxn = (sctlr & SCTLR.wxn) !== 0n;
  if (!isAllowed(descriptor, walked.inherited, kind, isUser, wxn)) return fault(FAULT.permission, level);
  return {
    isFault: false,
    address: output,
    attributes: Number((registers.mair >> (8n * ((descriptor >> 2n) & 7n))) & 0xffn),
    shareability: Number((descriptor >> 8n) & 3n),
    mappingBits,
    descriptorAt: walked.descriptorAt,
  };
}

/** The MMU is off: data are as in memory of devices ("The effects of disabling an address translation stage", D8.2.10). */
function flat(address: bigint, kind: AccessKind): Translation {
  if (address >> BigInt(PHYSICAL_BITS) !== 0n) return fault(FAULT.addressSize, 0);
  const attributes = kind === "execute" ? 0xff : 0;
  return {
    isFault: false,
    address: Number(address),
    attributes,
    shareability: SHAREABILITY.outer,
    mappingBits: MAPPING_BITS.page,
    descriptorAt: undefined,
  };
}

interface Walk {
  readonly input: bigint;
  readonly inputBits: number;
  readonly outputBits: number;
  /** Of a translation table base register, without the ASID. */
  readonly root: bigint;
}

type Walked =
  | {
      readonly isFault: false;
      readonly descriptor: bigint;
      readonly descriptorAt: number;
      /** Bits of the tables on the way. */
      readonly inherited: bigint;
      readonly level: number;
      readonly mappingBits: number;
      readonly output: number;
    }
  | (Translation & { readonly isFault: true });

const walkFault = (status: number, level: number): Walked => ({ isFault: true, status: status | level });

/** Reads descriptors down to a page or block that may be used. */
function walk(read: ReadDescriptor, { input, inputBits, outputBits, root }: Walk): Walked {
  const isOutside = (address: bigint) => address >> BigInt(outputBits) !== 0n;
  let level = LEAF_LEVEL + 1 - Math.ceil((inputBits - MAPPING_BITS.page) / LEVEL_BITS);
  let shift = BigInt(MAPPING_BITS.page + LEVEL_BITS * (LEAF_LEVEL - level));
  const rootBytes = BigInt(DESCRIPTOR_BYTES) << (BigInt(inputBits) - shift);
  let table = root & ~(rootBytes - 1n);
  if (isOutside(table)) return walkFault(FAULT.addressSize, 0);
  let inherited = 0n;
  // The root has no entries above the input's highest bit, so that its index needs no mask of its own.
  let index = input >> shift;
  for (; ; level++, shift -= BigInt(LEVEL_BITS), index = (input >> shift) & 0x1ffn) {
    const descriptorAt = Number(table + BigInt(DESCRIPTOR_BYTES) * index);
    const descriptor = read(descriptorAt);
    if (descriptor === undefined) return walkFault(FAULT.externalOnWalk, level);
    const isTableOrPage = (descriptor & DESCRIPTOR.tableOrPage) !== 0n;
    const isLeaf = isTableOrPage === (level === LEAF_LEVEL);
    const isReserved = isLeaf ? level === 0 : level === LEAF_LEVEL;
    if ((descriptor & DESCRIPTOR.valid) === 0n || isReserved) return walkFault(FAULT.translation, level);
    const next = descriptor & DESCRIPTOR.address;
    if (isOutside(next)) return walkFault(FAULT.addressSize, level);
    if (!isLeaf) {
      table = next;
      inherited |= descriptor;
      continue;
    }
    if ((descriptor & DESCRIPTOR.accessed) === 0n) return walkFault(FAULT.accessFlag, level);
    const mask = (1n << shift) - 1n;
    const output = Number((next & ~mask) | (input & mask));
    return { isFault: false, descriptor, descriptorAt, inherited, level, mappingBits: Number(shift), output };
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
    // What EL0 may not read it may execute all the same (table D8-46).
    const never = has(DESCRIPTOR.userNoExecute) || takes(TABLE.userNoExecute);
    return !never && !(wxn && userMay && writable);
  }
  const never = has(DESCRIPTOR.privilegedNoExecute) || takes(TABLE.privilegedNoExecute);
  return !never && !(userMay && writable) && !(wxn && writable);
}
