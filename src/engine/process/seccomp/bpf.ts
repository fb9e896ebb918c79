/** One classic BPF instruction (Linux include/uapi/linux/filter.h, `struct sock_filter`). */
interface Instruction {
  code: number;
  jumpTrue: number;
  jumpFalse: number;
  operand: number;
}

/** A place in a filter that jumps may name before it is placed. */
export interface BpfLabel {
  readonly name: string;
}

interface Jump {
  readonly index: number;
  readonly ifTrue: BpfLabel | undefined;
  readonly ifFalse: BpfLabel | undefined;
  /** An unconditional jump, whose distance stands in the operand and is not limited to 255. */
  readonly always: boolean;
}

// Linux include/uapi/linux/bpf_common.h.
const LOAD_WORD_ABSOLUTE = 0x20;
const AND_CONSTANT = 0x54;
const JUMP_ALWAYS = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const RETURN_CONSTANT = 0x06;

/** Linux include/uapi/linux/bpf_common.h, `BPF_MAXINSNS`. */
const INSTRUCTIONS_MAX = 4096;
const CONDITIONAL_JUMP_MAX = 255;
const INSTRUCTION_BYTES = 8;

/** Assembles a classic BPF program; jumps go forward only, as the kernel's checker demands. */
export class BpfAssembler {
  readonly #instructions: Instruction[] = [];
  readonly #places = new Map<BpfLabel, number>();
  readonly #jumps: Jump[] = [];

  label(name: string): BpfLabel {
    return { name };
  }

  place(label: BpfLabel): void {
    this.#places.set(label, this.#instructions.length);
  }

  /** Loads the 32-bit word at `offset` of the packet, here `struct seccomp_data`, into the accumulator. */
  load(offset: number): void {
    this.#emit(LOAD_WORD_ABSOLUTE, offset);
  }

  and(mask: number): void {
    this.#emit(AND_CONSTANT, mask);
  }

  jumpIfEqual(value: number, ifTrue?: BpfLabel, ifFalse?: BpfLabel): void {
    this.#jump(JUMP_EQUAL, value, ifTrue, ifFalse);
  }

  jump(target: BpfLabel): void {
    this.#jumps.push({ index: this.#instructions.length, ifTrue: target, ifFalse: undefined, always: true });
    this.#emit(JUMP_ALWAYS, 0);
  }

  /** Unsigned. */
  jumpIfAbove(value: number, ifTrue?: BpfLabel, ifFalse?: BpfLabel): void {
    this.#jump(JUMP_GREATER, value, ifTrue, ifFalse);
  }

  return(value: number): void {
    this.#emit(RETURN_CONSTANT, value);
  }

  /** The program as the kernel takes it, 8 bytes an instruction; throws `RangeError` past a limit of the format. */
  finish(): Uint8Array {
    if (this.#instructions.length > INSTRUCTIONS_MAX) {
      throw new RangeError(`a filter of ${this.#instructions.length} instructions, at most ${INSTRUCTIONS_MAX} fit`);
    }
    for (const jump of this.#jumps) this.#resolve(jump);
    const program = new Uint8Array(this.#instructions.length * INSTRUCTION_BYTES);
    const view = new DataView(program.buffer);
    for (const [index, instruction] of this.#instructions.entries()) {
      const at = index * INSTRUCTION_BYTES;
      view.setUint16(at, instruction.code, true);
      view.setUint8(at + 2, instruction.jumpTrue);
      view.setUint8(at + 3, instruction.jumpFalse);
      view.setUint32(at + 4, instruction.operand, true);
    }
    return program;
  }

  #emit(code: number, operand: number): void {
    this.#instructions.push({ code, jumpTrue: 0, jumpFalse: 0, operand: operand >>> 0 });
  }

  #jump(code: number, value: number, ifTrue: BpfLabel | undefined, ifFalse: BpfLabel | undefined): void {
    this.#jumps.push({ index: this.#instructions.length, ifTrue, ifFalse, always: false });
    this.#emit(code, value);
  }

  #resolve({ index, ifTrue, ifFalse, always }: Jump): void {
    const instruction = this.#instructions[index] as Instruction;
    if (always) {
      instruction.operand = this.#distance(index, ifTrue, INSTRUCTIONS_MAX);
    } else {
      instruction.jumpTrue = this.#distance(index, ifTrue, CONDITIONAL_JUMP_MAX);
      instruction.jumpFalse = this.#distance(index, ifFalse, CONDITIONAL_JUMP_MAX);
    }
  }

  #distance(index: number, label: BpfLabel | undefined, distanceMax: number): number {
    if (label === undefined) return 0;
    const place = this.#places.get(label);
    if (place === undefined) throw new RangeError(`label ${label.name} is not placed`);
    const distance = place - (index + 1);
    if (distance < 0 || distance > distanceMax) {
      throw new RangeError(`a jump of ${distance} instructions to ${label.name}`);
    }
    return distance;
  }
}
