/** Branches and the instructions that make exceptions (Arm ARM, C4.1.93). */
import { type Row, row } from "./row.ts";

export const BRANCHES: readonly Row[] = [
  row("B", "0 00101 imm26:26", "b {branch:imm26}"),
  row("BL", "1 00101 imm26:26", "bl {branch:imm26}"),
  row("B.cond", "0101010 0 imm19:19 0 cond:4", "b.{cond:cond} {branch:imm19}"),
  row("CBZ", "sf:1 011010 0 imm19:19 Rt:5", "cbz {r:Rt}, {branch:imm19}"),
  row("CBNZ", "sf:1 011010 1 imm19:19 Rt:5", "cbnz {r:Rt}, {branch:imm19}"),
  row("TBZ", "b5:1 011011 0 b40:5 imm14:14 Rt:5", "tbz {tested:Rt}, {bit:b40}, {branch:imm14}"),
  row("TBNZ", "b5:1 011011 1 b40:5 imm14:14 Rt:5", "tbnz {tested:Rt}, {bit:b40}, {branch:imm14}"),

  row("BR", "1101011 0000 11111 000000 Rn:5 00000", "br {x:Rn}"),
  row("BLR", "1101011 0001 11111 000000 Rn:5 00000", "blr {x:Rn}"),
  row("RET", "1101011 0010 11111 000000 Rn:5 00000", "ret{lr:Rn}"),
  row("ERET", "1101011 0100 11111 000000 11111 00000", "eret"),
  row("DRPS", "1101011 0101 11111 000000 11111 00000", "drps"),

  row("SVC", "11010100 000 imm16:16 00001", "svc {hex:imm16}"),
  row("HVC", "11010100 000 imm16:16 00010", "hvc {hex:imm16}"),
  row("SMC", "11010100 000 imm16:16 00011", "smc {hex:imm16}"),
  row("BRK", "11010100 001 imm16:16 00000", "brk {hex:imm16}"),
  row("HLT", "11010100 010 imm16:16 00000", "hlt {hex:imm16}"),
  row("DCPS1", "11010100 101 imm16:16 00001", "dcps1{imm16:imm16}"),
  row("DCPS2", "11010100 101 imm16:16 00010", "dcps2{imm16:imm16}"),
  row("DCPS3", "11010100 101 imm16:16 00011", "dcps3{imm16:imm16}"),
];
