import { processNameBytes } from "../../../abi/spt.ts";
import { Aarch64Assembler } from "../assembler/aarch64.ts";
import type { Assembler, Label, Register } from "../assembler/assembler.ts";
import { X86Assembler } from "../assembler/x86-64.ts";
import { SYSTEM_CALLS, type SystemCall } from "../syscalls.ts";
import type { StartProgram } from "./program.ts";

const STDERR = 2;

/**
 * What every part of the start program emits by: system calls, refusals, data behind the code.
 *
 * Registers that live through the program: `keep0` walks the arguments and is the socket later, `keep1` holds the host's
 * page size, `keep2` the scratch area below the initial stack, `keep4` the address of AT_EXECFN's string.
 */
export class StartEmitter {
  readonly program: StartProgram;
  readonly code: Assembler;
  readonly #refusals: { readonly label: Label; readonly line: Uint8Array }[] = [];
  readonly #data: { readonly label: Label; readonly bytes: Uint8Array }[] = [];

  constructor(program: StartProgram) {
    this.program = program;
    this.code = program.architecture === "x86-64" ? new X86Assembler() : new Aarch64Assembler();
  }

  /** Sets up the arguments in order, then calls: an argument in a register must not be one that an earlier one sets. */
  call(call: SystemCall, ...args: readonly (number | bigint | Register | Label)[]): void {
    for (const [index, value] of args.entries()) {
      const register = `arg${index}` as Register;
      if (typeof value === "object") this.code.setAddress(register, value);
      else if (typeof value === "string") this.code.copy(register, value);
      else this.code.set(register, value);
    }
    this.callPrepared(call);
  }

  /** Calls with the arguments that stand in the registers. */
  callPrepared(call: SystemCall): void {
    const numbers: Readonly<Partial<Record<SystemCall, number>>> = SYSTEM_CALLS[this.program.architecture];
    const number = numbers[call];
    if (number === undefined) throw new RangeError(`${call} does not exist on ${this.program.architecture}`);
    this.code.set("number", number);
    this.code.systemCall();
  }

  refuseIf(condition: Parameters<Assembler["branch"]>[0], message: string): Label {
    const refusal = this.refusal(message);
    this.code.branch(condition, refusal);
    return refusal;
  }

  refuseIfNegative(message: string): Label {
    const refusal = this.refusal(message);
    this.branchIfNegative(refusal);
    return refusal;
  }

  branchIfNegative(target: Label): void {
    this.code.set("scratch0", 0);
    this.code.compare("result", "scratch0");
    this.code.branch("signedLess", target);
  }

  refuseUnlessEqual(register: Register, value: number, message: string): Label {
    this.code.set("scratch0", value);
    this.code.compare(register, "scratch0");
    return this.refuseIf("notEqual", message);
  }

  /** Where to branch to so that the process ends with a line that says so. */
  refusal(message: string): Label {
    const label = this.code.label(message);
    this.#refusals.push({ label, line: new TextEncoder().encode(`${this.program.speaker}: ${message}\n`) });
    return label;
  }

  /** `register &= -page`, with the page size in `keep1`. */
  alignDownToPage(register: Register): void {
    this.code.set("scratch0", 0);
    this.code.subtract("scratch0", "keep1");
    this.code.and(register, "scratch0");
  }

  placeLabel(name: string): Label {
    const label = this.code.label(name);
    this.code.place(label);
    return label;
  }

  dataLabel(name: string, bytes: Uint8Array): Label {
    const label = this.code.label(name);
    this.#data.push({ label, bytes });
    return label;
  }

  /** Each refusal writes its line to standard error and ends the process with status 1. */
  emitRefusals(): void {
    const code = this.code;
    const end = code.label("end of a refusal");
    for (const { label, line } of this.#refusals) {
      code.place(label);
      code.setAddress("arg1", this.dataLabel("line", line));
      code.set("arg2", line.length);
      code.jump(end);
    }
    code.place(end);
    code.set("arg0", STDERR);
    this.callPrepared("write");
    this.call("exit_group", 1);
  }

  /** The process' name as the kernel keeps it, with its terminator. */
  nameData(): Uint8Array {
    return processNameBytes(this.program.processName);
  }

  /** Places the data behind the code. */
  emitData(): void {
    for (const { label, bytes } of this.#data) {
      this.code.data(new Uint8Array(0), 8);
      this.code.place(label);
      this.code.data(bytes, 1);
    }
  }
}
