import type { Architecture } from "../../../format/image.ts";
import { BpfAssembler, type BpfLabel } from "./bpf.ts";
import type { Condition, Policy, Rule } from "./policy.ts";

// Linux include/uapi/linux/seccomp.h, `struct seccomp_data`: number, architecture, instruction pointer, arguments.
const NUMBER_OFFSET = 0;
const ARCHITECTURE_OFFSET = 4;
const ARGUMENTS_OFFSET = 16;
const RETURN_ALLOW = 0x7fff_0000;
const RETURN_KILL_PROCESS = 0x8000_0000;

/** Linux include/uapi/linux/audit.h, `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64`. */
const AUDIT_ARCHITECTURE: Readonly<Record<Architecture, number>> = { "x86-64": 0xc000_003e, aarch64: 0xc000_00b7 };

/**
 * Assembles the filter (seccomp(2), `SECCOMP_SET_MODE_FILTER`) of a policy, 8 bytes an instruction.
 *
 * Calls of another architecture (32-bit ones by `int 0x80`) fail the first comparison; x32 calls carry bit 30 in their
 * number and so equal none.
 */
export function assembleFilter(policy: Policy): Uint8Array {
  const bpf = new BpfAssembler();
  const supported = bpf.label("the policy's architecture");
  bpf.load(ARCHITECTURE_OFFSET);
  bpf.jumpIfEqual(AUDIT_ARCHITECTURE[policy.architecture], supported);
  bpf.return(RETURN_KILL_PROCESS);
  bpf.place(supported);
  bpf.load(NUMBER_OFFSET);
  for (const [number, rules] of groupByNumber(policy.rules)) {
    const matches = bpf.label(`call ${number}`);
    const differs = bpf.label(`after call ${number}`);
    bpf.jumpIfEqual(number, matches);
    bpf.jump(differs);
    bpf.place(matches);
    for (const rule of rules) assembleRule(bpf, rule);
    bpf.return(RETURN_KILL_PROCESS);
    bpf.place(differs);
  }
  bpf.return(RETURN_KILL_PROCESS);
  return bpf.finish();
}

function groupByNumber(rules: readonly Rule[]): ReadonlyMap<number, Rule[]> {
  const groups = new Map<number, Rule[]>();
  for (const rule of rules) {
    const group = groups.get(rule.number);
    if (group === undefined) groups.set(rule.number, [rule]);
    else group.push(rule);
  }
  return groups;
}

function assembleRule(bpf: BpfAssembler, rule: Rule): void {
  const fails = bpf.label("next rule");
  for (const condition of rule.conditions) assembleCondition(bpf, condition, fails);
  bpf.return(RETURN_ALLOW);
  bpf.place(fails);
}

/** A filter sees 32 bits at a time: little-endian, the low word first. */
function assembleCondition(bpf: BpfAssembler, condition: Condition, fails: BpfLabel): void {
  const low = ARGUMENTS_OFFSET + 8 * condition.argument;
  const high = low + 4;
  const valueLow = Number(condition.value & 0xffff_ffffn);
  const valueHigh = Number(condition.value >> 32n);
  switch (condition.is) {
    case "equal":
      bpf.load(low);
      bpf.jumpIfEqual(valueLow, undefined, fails);
      bpf.load(high);
      bpf.jumpIfEqual(valueHigh, undefined, fails);
      break;
    case "atMost": {
      const holds = bpf.label("below by the high word");
      bpf.load(high);
      bpf.jumpIfAbove(valueHigh, fails);
      bpf.jumpIfEqual(valueHigh, undefined, holds);
      bpf.load(low);
      bpf.jumpIfAbove(valueLow, fails);
      bpf.place(holds);
      break;
    }
    case "multipleOf":
      bpf.load(low);
      bpf.and(valueLow - 1);
      bpf.jumpIfEqual(0, undefined, fails);
      break;
  }
}
