// Runs seccomp filters, by the kernel's documents and not by src/engine: Documentation/networking/filter.rst (the machine),
// include/uapi/linux/bpf_common.h (its opcodes), net/core/filter.c `bpf_check_classic` and kernel/seccomp.c
// `seccomp_check_filter` (what the kernel refuses).

export const ALLOW = 0x7fff0000;
export const KILL_PROCESS = 0x80000000;

export interface SystemCallData {
  /** Signed 32 bits, as the kernel has it. */
  readonly number: number;
  /** `AUDIT_ARCH_…`. */
  readonly architecture: number;
  readonly instructionPointer?: bigint;
  /** Six words of 64 bits. */
  readonly args: readonly bigint[];
}

const DATA_BYTES = 64;
const INSTRUCTION_BYTES = 8;
const INSTRUCTIONS_MAX = 4096;

function dataBytes({ number, architecture, instructionPointer = 0n, args }: SystemCallData): DataView {
  const view = new DataView(new ArrayBuffer(DATA_BYTES));
  view.setInt32(0, number, true);
  view.setUint32(4, architecture, true);
  view.setBigUint64(8, instructionPointer, true);
  for (let index = 0; index < 6; index++) view.setBigUint64(16 + 8 * index, args[index] ?? 0n, true);
  return view;
}

/** An instruction does one thing to the accumulator, jumps relative to the next instruction, or gives the verdict. */
interface Decoded {
  readonly load?: number;
  readonly compute?: (accumulator: number) => number;
  readonly jump?: (accumulator: number) => number;
  readonly verdict?: number;
}

function decode(filter: DataView, index: number): Decoded {
  const at = index * INSTRUCTION_BYTES;
  const [yes, no] = [filter.getUint8(at + 2), filter.getUint8(at + 3)];
  const operand = filter.getUint32(at + 4, true);
  const code = filter.getUint16(at, true);
  switch (code) {
    case 0x20: // BPF_LD | BPF_W | BPF_ABS
      return { load: operand };
    case 0x54: // BPF_ALU | BPF_AND | BPF_K
      return { compute: (accumulator) => (accumulator & operand) >>> 0 };
    case 0x05: // BPF_JMP | BPF_JA
      return { jump: () => operand };
    case 0x15: // BPF_JMP | BPF_JEQ | BPF_K
      return { jump: (accumulator) => (accumulator === operand ? yes : no) };
    case 0x25: // BPF_JMP | BPF_JGT | BPF_K
      return { jump: (accumulator) => (accumulator > operand ? yes : no) };
    case 0x06: // BPF_RET | BPF_K
      return { verdict: operand };
    default:
      throw new Error(`instruction ${index} has the unknown code 0x${code.toString(16)}`);
  }
}

/** A filter that the kernel would take. */
export class CheckedFilter {
  readonly instructions: readonly Decoded[];

  /** @throws Error where the kernel would refuse it. */
  constructor(program: Uint8Array) {
    const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
    const count = program.length / INSTRUCTION_BYTES;
    if (!Number.isInteger(count) || count < 1 || count > INSTRUCTIONS_MAX) throw new Error(`${count} instructions`);
    this.instructions = Array.from({ length: count }, (_, index) => decode(view, index));
    for (const [index, { load, jump }] of this.instructions.entries()) {
      if (load !== undefined && (load >= DATA_BYTES || load % 4 !== 0)) throw new Error(`a load at ${load}`);
      // Both ways of a conditional jump, whatever the accumulator.
      const operand = view.getUint32(index * INSTRUCTION_BYTES + 4, true);
      for (const accumulator of [operand, operand + 1, operand - 1]) {
        const target = index + 1 + (jump?.(accumulator) ?? 0);
        if (jump !== undefined && target >= count) throw new Error(`instruction ${index} jumps out of the filter`);
      }
    }
    if (this.instructions.at(-1)?.verdict === undefined) throw new Error("the last instruction is no return");
  }

  /** The verdict on a call, `SECCOMP_RET_…`. */
  run(call: SystemCallData): number {
    const data = dataBytes(call);
    let accumulator = 0;
    for (let index = 0; ; index++) {
      const { load, compute, jump, verdict } = this.instructions[index] as Decoded;
      if (verdict !== undefined) return verdict;
      if (load !== undefined) accumulator = data.getUint32(load, true);
      if (compute !== undefined) accumulator = compute(accumulator);
      if (jump !== undefined) index += jump(accumulator);
    }
  }
}
