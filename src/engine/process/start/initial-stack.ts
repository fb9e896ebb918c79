import type { Label, Register } from "../assembler/assembler.ts";
import type { StartEmitter } from "./emitter.ts";

// Linux include/uapi: auxvec.h, prctl.h.
const AT_PAGESZ = 6;
const AT_EXECFN = 31;
const PR_SET_MM = 35;
const PR_SET_MM_MAP = 14;
/** Below the initial stack pointer: room for a `struct ifreq` or a `struct prctl_mm_map`. */
const SCRATCH_BYTES = 128;
// `struct prctl_mm_map`: twelve 64-bit words, then the size of the auxiliary vector and the executable's descriptor.
const MM_MAP_WORDS = 13;
const MM_MAP_ARGUMENTS_END = 8;
const MM_MAP_NO_AUXV_AND_SAME_EXE = 0xffff_ffff_0000_0000n;
/** More than the 128 KiB by which the kernel extends the initial stack downwards (Linux fs/exec.c, `setup_arg_pages`). */
const STACK_BELOW_BYTES = 0x40000;

/** The initial stack: argument count, arguments, NULL, environment, NULL, auxiliary vector (System V ABI, 3.4.1). */
export function readInitialStack(start: StartEmitter): void {
  const code = start.code;
  code.readStackPointer("keep0");
  code.copy("keep2", "keep0");
  code.addConstant("keep2", -SCRATCH_BYTES);
  code.set("keep1", 0);
  code.set("keep4", 0);
  code.copy("keep3", "keep0");
  code.set("scratch0", 0);
  for (const list of ["arguments", "environment"]) {
    const next = start.placeLabel(list);
    code.addConstant("keep3", 8);
    code.load("arg0", "keep3", 0, 8);
    code.compare("arg0", "scratch0");
    code.branch("notEqual", next);
  }
  code.addConstant("keep3", 8);
  const done = code.label("end of the auxiliary vector");
  const next = start.placeLabel("auxiliary vector");
  code.load("arg0", "keep3", 0, 8);
  code.load("arg1", "keep3", 8, 8);
  code.addConstant("keep3", 16);
  code.compare("arg0", "scratch0");
  code.branch("equal", done);
  keepAuxiliary(start, AT_PAGESZ, "keep1");
  keepAuxiliary(start, AT_EXECFN, "keep4");
  code.jump(next);
  code.place(done);
}

function keepAuxiliary(start: StartEmitter, type: number, to: Register): void {
  const other = start.code.label(`not ${type}`);
  start.code.set("arg2", type);
  start.code.compare("arg0", "arg2");
  start.code.branch("notEqual", other);
  start.code.copy(to, "arg1");
  start.code.place(other);
}

/** Joins the arguments after the first by spaces, as upstream's tender does. */
export function copyCommandLine(start: StartEmitter): void {
  const { commandLineAddress, commandLineBytes } = start.program;
  const code = start.code;
  const done = code.label("end of the command line");
  const nextWord = code.label("next word");
  const nextByte = code.label("next byte");
  const wordEnd = code.label("end of a word");
  const tooLong = start.refusal(`the guest's command line is longer than ${commandLineBytes - 1} bytes`);
  code.set("arg1", commandLineAddress);
  code.set("arg2", commandLineAddress + commandLineBytes - 1);
  code.set("scratch0", 0);
  code.addConstant("keep0", 8);
  code.load("arg0", "keep0", 0, 8);
  code.compare("arg0", "scratch0");
  code.branch("equal", done);
  code.place(nextWord);
  code.addConstant("keep0", 8);
  code.load("arg0", "keep0", 0, 8);
  code.compare("arg0", "scratch0");
  code.branch("equal", done);
  code.place(nextByte);
  code.load("arg3", "arg0", 0, 1);
  code.compare("arg3", "scratch0");
  code.branch("equal", wordEnd);
  appendToCommandLine(start, tooLong);
  code.addConstant("arg0", 1);
  code.jump(nextByte);
  code.place(wordEnd);
  code.load("arg3", "keep0", 8, 8);
  code.compare("arg3", "scratch0");
  code.branch("equal", done);
  code.set("arg3", 0x20);
  appendToCommandLine(start, tooLong);
  code.jump(nextWord);
  code.place(done);
}

function appendToCommandLine(start: StartEmitter, tooLong: Label): void {
  start.code.compare("arg1", "arg2");
  start.code.branch("unsignedAtLeast", tooLong);
  start.code.store("arg3", "arg1", 0, 1);
  start.code.addConstant("arg1", 1);
}

/**
 * Tells the kernel where name and command line lie now (prctl(2), `PR_SET_MM_MAP`), so that `ps` shows them: the
 * initial stack, where it looks otherwise, will be gone. Kernels without CONFIG_CHECKPOINT_RESTORE refuse, and show
 * the name alone. The end of the command line is still in `arg1`.
 */
export function showCommandLine(start: StartEmitter): void {
  const { imageStart, imageEnd, commandLineAddress, memoryBytes } = start.program;
  const code = start.code;
  const terminated = "arg1";
  code.addConstant(terminated, 1);
  code.store(terminated, "keep2", 8 * MM_MAP_ARGUMENTS_END, 8);
  const argumentsStart = commandLineAddress - start.nameData().length;
  // Code, data and heap from start to end, start of the stack, start of the arguments.
  const map = [imageStart, imageEnd, imageStart, imageEnd, imageEnd, imageEnd, memoryBytes, argumentsStart];
  // After the end of the arguments: an empty environment, no auxiliary vector, and the executable as it is.
  const rest = [imageEnd, imageEnd, 0, MM_MAP_NO_AUXV_AND_SAME_EXE];
  for (const [index, value] of [...map.entries(), ...rest.map((value, index) => [index + 9, value] as const)]) {
    code.set("arg0", value);
    code.store("arg0", "keep2", 8 * index, 8);
  }
  start.call("prctl", PR_SET_MM, PR_SET_MM_MAP, "keep2", 8 * MM_MAP_WORDS, 0);
}

/** The strings at its top end with the file name that AT_EXECFN points at; the stack ends with that page. */
export function unmapInitialStack(start: StartEmitter): void {
  const code = start.code;
  code.set("scratch0", 0);
  const next = start.placeLabel("file name");
  code.load("arg0", "keep4", 0, 1);
  code.addConstant("keep4", 1);
  code.compare("arg0", "scratch0");
  code.branch("notEqual", next);
  code.add("keep4", "keep1");
  code.addConstant("keep4", -1);
  start.alignDownToPage("keep4");
  code.set("scratch0", STACK_BELOW_BYTES);
  code.copy("arg0", "keep2");
  code.subtract("arg0", "scratch0");
  start.alignDownToPage("arg0");
  code.copy("arg1", "keep4");
  code.subtract("arg1", "arg0");
  start.callPrepared("munmap");
  start.refuseIfNegative("the initial stack cannot be unmapped");
}
