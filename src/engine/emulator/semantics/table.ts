import { AES } from "./aes.ts";
import { ATOMICS } from "./atomics.ts";
import { BRANCHES } from "./branches.ts";
import { DATA_PROCESSING_IMMEDIATE } from "./data-processing-immediate.ts";
import { DATA_PROCESSING_REGISTER } from "./data-processing-register.ts";
import { FLOATING_POINT } from "./floating-point.ts";
import { FLOATING_POINT_CONVERSIONS } from "./floating-point-conversions.ts";
import { LOADS_AND_STORES } from "./loads-and-stores.ts";
import type { SemanticsTable } from "./operation.ts";
import { POLYNOMIALS } from "./polynomials.ts";
import { SHA } from "./sha.ts";
import { SIMD_FLOATING_POINT } from "./simd-floating-point.ts";
import { SIMD_FLOATING_POINT_CONVERSIONS } from "./simd-floating-point-conversions.ts";
import { SIMD_MOVEMENT } from "./simd-movement.ts";
import { SIMD_SHIFTS } from "./simd-shifts.ts";
import { SIMD_THREE_DIFFERENT } from "./simd-three-different.ts";
import { SIMD_THREE_SAME } from "./simd-three-same.ts";
import { SIMD_TWO_REGISTERS } from "./simd-two-registers.ts";
import { STRUCTURES } from "./structures.ts";
import { SYSTEM } from "./system.ts";

const TABLES: readonly SemanticsTable[] = [
  DATA_PROCESSING_IMMEDIATE,
  DATA_PROCESSING_REGISTER,
  BRANCHES,
  SYSTEM,
  LOADS_AND_STORES,
  STRUCTURES,
  ATOMICS,
  FLOATING_POINT,
  FLOATING_POINT_CONVERSIONS,
  SIMD_FLOATING_POINT,
  SIMD_FLOATING_POINT_CONVERSIONS,
  SIMD_MOVEMENT,
  SIMD_THREE_SAME,
  SIMD_THREE_DIFFERENT,
  SIMD_SHIFTS,
  SIMD_TWO_REGISTERS,
  AES,
  SHA,
  POLYNOMIALS,
];

/** What every instruction does, by the name of its row. (At each start: a literal that spreads them takes V8 three times as long.) */
export const SEMANTICS: SemanticsTable = Object.assign({}, ...TABLES);
