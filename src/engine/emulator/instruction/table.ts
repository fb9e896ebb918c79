/** The instructions of ARMv8.0-A with LSE, CRC32 and the cryptographic extension: every row, and nothing beside it is allocated. */
import { BRANCHES } from "./branches.ts";
import { CRYPTOGRAPHY } from "./cryptography.ts";
import { DATA_PROCESSING_IMMEDIATE } from "./data-processing-immediate.ts";
import { DATA_PROCESSING_REGISTER } from "./data-processing-register.ts";
import { makeDecoder } from "./decoder.ts";
import { FLOATING_POINT } from "./floating-point.ts";
import { LOADS_AND_STORES } from "./loads-and-stores.ts";
import type { Row } from "./row.ts";
import { SIMD_FLOATING_POINT } from "./simd-floating-point.ts";
import { SIMD_MOVEMENT } from "./simd-movement.ts";
import { SIMD_THREE_REGISTERS } from "./simd-three-registers.ts";
import { SIMD_TWO_REGISTERS } from "./simd-two-registers.ts";
import { STRUCTURES } from "./structures.ts";
import { SYSTEM } from "./system.ts";

export const INSTRUCTIONS: readonly Row[] = [
  ...DATA_PROCESSING_IMMEDIATE,
  ...BRANCHES,
  ...SYSTEM,
  ...LOADS_AND_STORES,
  ...STRUCTURES,
  ...DATA_PROCESSING_REGISTER,
  ...FLOATING_POINT,
  ...SIMD_FLOATING_POINT,
  ...SIMD_MOVEMENT,
  ...SIMD_THREE_REGISTERS,
  ...SIMD_TWO_REGISTERS,
  ...CRYPTOGRAPHY,
];

/** @returns the row of an instruction word; undefined where the word is not allocated. */
export const decode: (word: number) => Row | undefined = makeDecoder(INSTRUCTIONS);
