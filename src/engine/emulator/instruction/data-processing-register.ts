/** Data processing with registers (Arm ARM, C4.1.95). */
import { type Row, row } from "./row.ts";

const hasShift = ({ sf, imm6 }: { readonly sf: number; readonly imm6: number }) => sf === 1 || imm6 < 32;
const hasArithmeticShift = (f: { readonly sf: number; readonly imm6: number; readonly shift: number }) =>
  f.shift !== 3 && hasShift(f);
const hasExtension = ({ imm3 }: { readonly imm3: number }) => imm3 <= 4;
const hasChecksumWidth = ({ sf, sz }: { readonly sf: number; readonly sz: number }) => (sz === 3) === (sf === 1);

const SHIFTED = "{r:Rd}, {r:Rn}, {r:Rm}{shift:shift}";
const EXTENDED = "{rsp:Rn}, {extended:Rm}";
const EXTENDED_FLAGS = "{rsp:Rn}, {extendedFlags:Rm}";

export const DATA_PROCESSING_REGISTER: readonly Row[] = [
  row("AND (shifted register)", "sf:1 00 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", `and ${SHIFTED}`, hasShift),
  row("BIC (shifted register)", "sf:1 00 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", `bic ${SHIFTED}`, hasShift),
  row("ORR (shifted register)", "sf:1 01 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", `orr ${SHIFTED}`, hasShift),
  row("ORN (shifted register)", "sf:1 01 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", `orn ${SHIFTED}`, hasShift),
  row("EOR (shifted register)", "sf:1 10 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", `eor ${SHIFTED}`, hasShift),
  row("EON (shifted register)", "sf:1 10 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", `eon ${SHIFTED}`, hasShift),
  row("ANDS (shifted register)", "sf:1 11 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", `ands ${SHIFTED}`, hasShift),
  row("BICS (shifted register)", "sf:1 11 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", `bics ${SHIFTED}`, hasShift),

  row("ADD (shifted register)", "sf:1 0 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", `add ${SHIFTED}`, hasArithmeticShift),
  row(
    "ADDS (shifted register)",
    "sf:1 0 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    `adds ${SHIFTED}`,
    hasArithmeticShift,
  ),
  row("SUB (shifted register)", "sf:1 1 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", `sub ${SHIFTED}`, hasArithmeticShift),
  row(
    "SUBS (shifted register)",
    "sf:1 1 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    `subs ${SHIFTED}`,
    hasArithmeticShift,
  ),

  row(
    "ADD (extended register)",
    "sf:1 0 0 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    `add {rsp:Rd}, ${EXTENDED}`,
    hasExtension,
  ),
  row(
    "ADDS (extended register)",
    "sf:1 0 1 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    `adds {r:Rd}, ${EXTENDED_FLAGS}`,
    hasExtension,
  ),
  row(
    "SUB (extended register)",
    "sf:1 1 0 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    `sub {rsp:Rd}, ${EXTENDED}`,
    hasExtension,
  ),
  row(
    "SUBS (extended register)",
    "sf:1 1 1 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    `subs {r:Rd}, ${EXTENDED_FLAGS}`,
    hasExtension,
  ),

  row("ADC", "sf:1 0 0 11010000 Rm:5 000000 Rn:5 Rd:5", "adc {r:Rd}, {r:Rn}, {r:Rm}"),
  row("ADCS", "sf:1 0 1 11010000 Rm:5 000000 Rn:5 Rd:5", "adcs {r:Rd}, {r:Rn}, {r:Rm}"),
  row("SBC", "sf:1 1 0 11010000 Rm:5 000000 Rn:5 Rd:5", "sbc {r:Rd}, {r:Rn}, {r:Rm}"),
  row("SBCS", "sf:1 1 1 11010000 Rm:5 000000 Rn:5 Rd:5", "sbcs {r:Rd}, {r:Rn}, {r:Rm}"),

  row(
    "CCMN (register)",
    "sf:1 0 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4",
    "ccmn {r:Rn}, {r:Rm}, {hex:nzcv}, {cond:cond}",
  ),
  row(
    "CCMP (register)",
    "sf:1 1 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4",
    "ccmp {r:Rn}, {r:Rm}, {hex:nzcv}, {cond:cond}",
  ),
  row(
    "CCMN (immediate)",
    "sf:1 0 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4",
    "ccmn {r:Rn}, {hex:imm5}, {hex:nzcv}, {cond:cond}",
  ),
  row(
    "CCMP (immediate)",
    "sf:1 1 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4",
    "ccmp {r:Rn}, {hex:imm5}, {hex:nzcv}, {cond:cond}",
  ),

  row("CSEL", "sf:1 0 0 11010100 Rm:5 cond:4 0 0 Rn:5 Rd:5", "csel {r:Rd}, {r:Rn}, {r:Rm}, {cond:cond}"),
  row("CSINC", "sf:1 0 0 11010100 Rm:5 cond:4 0 1 Rn:5 Rd:5", "csinc {r:Rd}, {r:Rn}, {r:Rm}, {cond:cond}"),
  row("CSINV", "sf:1 1 0 11010100 Rm:5 cond:4 0 0 Rn:5 Rd:5", "csinv {r:Rd}, {r:Rn}, {r:Rm}, {cond:cond}"),
  row("CSNEG", "sf:1 1 0 11010100 Rm:5 cond:4 0 1 Rn:5 Rd:5", "csneg {r:Rd}, {r:Rn}, {r:Rm}, {cond:cond}"),

  row("MADD", "sf:1 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5", "madd {r:Rd}, {r:Rn}, {r:Rm}, {r:Ra}"),
  row("MSUB", "sf:1 00 11011 000 Rm:5 1 Ra:5 Rn:5 Rd:5", "msub {r:Rd}, {r:Rn}, {r:Rm}, {r:Ra}"),
  row("SMADDL", "1 00 11011 001 Rm:5 0 Ra:5 Rn:5 Rd:5", "smaddl {x:Rd}, {w:Rn}, {w:Rm}, {x:Ra}"),
  row("SMSUBL", "1 00 11011 001 Rm:5 1 Ra:5 Rn:5 Rd:5", "smsubl {x:Rd}, {w:Rn}, {w:Rm}, {x:Ra}"),
  row("SMULH", "1 00 11011 010 Rm:5 0 Ra:5 Rn:5 Rd:5", "smulh {x:Rd}, {x:Rn}, {x:Rm}"),
  row("UMADDL", "1 00 11011 101 Rm:5 0 Ra:5 Rn:5 Rd:5", "umaddl {x:Rd}, {w:Rn}, {w:Rm}, {x:Ra}"),
  row("UMSUBL", "1 00 11011 101 Rm:5 1 Ra:5 Rn:5 Rd:5", "umsubl {x:Rd}, {w:Rn}, {w:Rm}, {x:Ra}"),
  row("UMULH", "1 00 11011 110 Rm:5 0 Ra:5 Rn:5 Rd:5", "umulh {x:Rd}, {x:Rn}, {x:Rm}"),

  row("UDIV", "sf:1 00 11010110 Rm:5 000010 Rn:5 Rd:5", "udiv {r:Rd}, {r:Rn}, {r:Rm}"),
  row("SDIV", "sf:1 00 11010110 Rm:5 000011 Rn:5 Rd:5", "sdiv {r:Rd}, {r:Rn}, {r:Rm}"),
  row("LSLV", "sf:1 00 11010110 Rm:5 001000 Rn:5 Rd:5", "lslv {r:Rd}, {r:Rn}, {r:Rm}"),
  row("LSRV", "sf:1 00 11010110 Rm:5 001001 Rn:5 Rd:5", "lsrv {r:Rd}, {r:Rn}, {r:Rm}"),
  row("ASRV", "sf:1 00 11010110 Rm:5 001010 Rn:5 Rd:5", "asrv {r:Rd}, {r:Rn}, {r:Rm}"),
  row("RORV", "sf:1 00 11010110 Rm:5 001011 Rn:5 Rd:5", "rorv {r:Rd}, {r:Rn}, {r:Rm}"),
  row("CRC32", "sf:1 00 11010110 Rm:5 0100 sz:2 Rn:5 Rd:5", "crc32{bhwx:sz} {w:Rd}, {w:Rn}, {r:Rm}", hasChecksumWidth),
  row(
    "CRC32C",
    "sf:1 00 11010110 Rm:5 0101 sz:2 Rn:5 Rd:5",
    "crc32c{bhwx:sz} {w:Rd}, {w:Rn}, {r:Rm}",
    hasChecksumWidth,
  ),

  row("RBIT", "sf:1 10 11010110 00000 000000 Rn:5 Rd:5", "rbit {r:Rd}, {r:Rn}"),
  row("REV16", "sf:1 10 11010110 00000 000001 Rn:5 Rd:5", "rev16 {r:Rd}, {r:Rn}"),
  row("REV (32-bit)", "0 10 11010110 00000 000010 Rn:5 Rd:5", "rev {w:Rd}, {w:Rn}"),
  row("REV32", "1 10 11010110 00000 000010 Rn:5 Rd:5", "rev32 {x:Rd}, {x:Rn}"),
  row("REV (64-bit)", "1 10 11010110 00000 000011 Rn:5 Rd:5", "rev {x:Rd}, {x:Rn}"),
  row("CLZ", "sf:1 10 11010110 00000 000100 Rn:5 Rd:5", "clz {r:Rd}, {r:Rn}"),
  row("CLS", "sf:1 10 11010110 00000 000101 Rn:5 Rd:5", "cls {r:Rd}, {r:Rn}"),
];
