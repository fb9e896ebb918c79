/** Data processing with an immediate (Arm ARM, C4.1.92). */
import { bitmaskElementBits } from "./bitmask.ts";
import { type Row, row } from "./row.ts";

const isBitmask = ({ sf, N, imms }: { readonly sf: number; readonly N: number; readonly imms: number }) =>
  N <= sf && bitmaskElementBits(N, imms) !== 0;
const isMove = ({ sf, hw }: { readonly sf: number; readonly hw: number }) => sf === 1 || hw < 2;
const isBitfield = (f: { readonly sf: number; readonly N: number; readonly immr: number; readonly imms: number }) =>
  f.N === f.sf && (f.sf === 1 || (f.immr < 32 && f.imms < 32));

export const DATA_PROCESSING_IMMEDIATE: readonly Row[] = [
  row("ADR", "0 immlo:2 10000 immhi:19 Rd:5", "adr {x:Rd}, {adr:immhi}"),
  row("ADRP", "1 immlo:2 10000 immhi:19 Rd:5", "adrp {x:Rd}, {adrp:immhi}"),

  row("ADD (immediate)", "sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5", "add {rsp:Rd}, {rsp:Rn}, {hex:imm12}{lsl12:sh}"),
  row("ADDS (immediate)", "sf:1 0 1 100010 sh:1 imm12:12 Rn:5 Rd:5", "adds {r:Rd}, {rsp:Rn}, {hex:imm12}{lsl12:sh}"),
  row("SUB (immediate)", "sf:1 1 0 100010 sh:1 imm12:12 Rn:5 Rd:5", "sub {rsp:Rd}, {rsp:Rn}, {hex:imm12}{lsl12:sh}"),
  row("SUBS (immediate)", "sf:1 1 1 100010 sh:1 imm12:12 Rn:5 Rd:5", "subs {r:Rd}, {rsp:Rn}, {hex:imm12}{lsl12:sh}"),

  row("AND (immediate)", "sf:1 00 100100 N:1 immr:6 imms:6 Rn:5 Rd:5", "and {rsp:Rd}, {r:Rn}, {bitmask:N}", isBitmask),
  row("ORR (immediate)", "sf:1 01 100100 N:1 immr:6 imms:6 Rn:5 Rd:5", "orr {rsp:Rd}, {r:Rn}, {bitmask:N}", isBitmask),
  row("EOR (immediate)", "sf:1 10 100100 N:1 immr:6 imms:6 Rn:5 Rd:5", "eor {rsp:Rd}, {r:Rn}, {bitmask:N}", isBitmask),
  row("ANDS (immediate)", "sf:1 11 100100 N:1 immr:6 imms:6 Rn:5 Rd:5", "ands {r:Rd}, {r:Rn}, {bitmask:N}", isBitmask),

  row("MOVN", "sf:1 00 100101 hw:2 imm16:16 Rd:5", "movn {r:Rd}, {hex:imm16}{hw:hw}", isMove),
  row("MOVZ", "sf:1 10 100101 hw:2 imm16:16 Rd:5", "movz {r:Rd}, {hex:imm16}{hw:hw}", isMove),
  row("MOVK", "sf:1 11 100101 hw:2 imm16:16 Rd:5", "movk {r:Rd}, {hex:imm16}{hw:hw}", isMove),

  row("SBFM", "sf:1 00 100110 N:1 immr:6 imms:6 Rn:5 Rd:5", "sbfm {r:Rd}, {r:Rn}, {dec:immr}, {dec:imms}", isBitfield),
  row("BFM", "sf:1 01 100110 N:1 immr:6 imms:6 Rn:5 Rd:5", "bfm {r:Rd}, {r:Rn}, {dec:immr}, {dec:imms}", isBitfield),
  row("UBFM", "sf:1 10 100110 N:1 immr:6 imms:6 Rn:5 Rd:5", "ubfm {r:Rd}, {r:Rn}, {dec:immr}, {dec:imms}", isBitfield),

  row(
    "EXTR",
    "sf:1 00 100111 N:1 0 Rm:5 imms:6 Rn:5 Rd:5",
    "extr {r:Rd}, {r:Rn}, {r:Rm}, {dec:imms}",
    ({ sf, N, imms }) => N === sf && (sf === 1 || imms < 32),
  ),
];
