import type { BlockAttachment, NetAttachment } from "../../../abi/spt.ts";
import type { Architecture } from "../../../format/image.ts";
import { checkBlock, closeOtherDescriptors, makeEpollSet, prepareNets } from "./devices.ts";
import { StartEmitter } from "./emitter.ts";
import { copyCommandLine, readInitialStack, showCommandLine, unmapInitialStack } from "./initial-stack.ts";
import { checkPageSize, checkPersonality, copyBootInformation, mapMemory } from "./memory.ts";

/** Guest addresses: the first one on a page's start, and the one behind the last. */
export interface ZeroRange {
  readonly address: number;
  readonly end: number;
}

/** What the start code of one executable does; all addresses are the guest's, sizes in bytes. */
export interface StartProgram {
  readonly architecture: Architecture;
  /** First word of the line that start code writes when it refuses, e.g. `skiff`. */
  readonly speaker: string;
  /** Name of the process (`ps`, `/proc/PID/comm`); 15 bytes of it are kept. */
  readonly processName: string;
  /** The largest host page that the executable is laid out for. */
  readonly pageBytesMax: number;
  readonly imageStart: number;
  /** What of the image is zero and writable, beyond the pages that the file covers: start code maps it. */
  readonly zeros: readonly ZeroRange[];
  /** End of the image: from the next host page on, start code maps memory up to `memoryBytes`. */
  readonly imageEnd: number;
  readonly memoryBytes: number;
  /** Also lets the guest execute what it writes there. */
  readonly executableHeap: boolean;
  readonly commandLineAddress: number;
  readonly commandLineBytes: number;
  readonly block: readonly BlockAttachment[];
  readonly net: readonly NetAttachment[];
  readonly epollDescriptor: number;
  readonly timerDescriptor: number;
  /** The seccomp filter, 8 bytes an instruction. */
  readonly filter: Uint8Array;
  readonly entry: number;
  readonly stackPointer: number;
  /** Pages of their own for what lies below the image. */
  readonly lowMemory: { readonly address: number; readonly bytes: number };
  /** Copied there; its address is the guest's first argument. */
  readonly bootInformation: { readonly address: number; readonly content: Uint8Array };
}

// Linux include/uapi: prctl.h, seccomp.h.
const PR_SET_NAME = 15;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;

/**
 * Emits the code that runs between `execve` and the guest's first instruction: it verifies what was fixed at build,
 * maps the guest's memory, makes epoll set and timer, closes what the guest does not own, gives back the initial stack
 * with the environment in it, installs the filter and enters the guest.
 */
export function emitStartCode(program: StartProgram, address: bigint): Uint8Array {
  const start = new StartEmitter(program);
  readInitialStack(start);
  checkPageSize(start);
  checkPersonality(start);
  mapMemory(start);
  copyBootInformation(start);
  copyCommandLine(start);
  showCommandLine(start);
  for (const block of program.block) checkBlock(start, block);
  prepareNets(start);
  makeEpollSet(start);
  closeOtherDescriptors(start);
  start.call("prctl", PR_SET_NAME, start.dataLabel("process name", start.nameData()));
  start.call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  start.refuseIfNegative("no_new_privs cannot be set");
  unmapInitialStack(start);
  installFilter(start);
  start.code.enter(BigInt(program.entry), BigInt(program.stackPointer), BigInt(program.bootInformation.address));
  start.emitRefusals();
  start.emitData();
  return start.code.finish(address);
}

function installFilter(start: StartEmitter): void {
  const { filter } = start.program;
  const program = start.code.label("struct sock_fprog");
  const behind = start.code.label("behind the filter's description");
  const instructions = start.dataLabel("filter", filter);
  start.code.jump(behind);
  start.code.data(new Uint8Array(0), 8);
  start.code.place(program);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint16(0, filter.length / 8, true);
  start.code.data(length, 8);
  start.code.dataAddress(instructions);
  start.code.place(behind);
  start.call("seccomp", SECCOMP_SET_MODE_FILTER, 0, program);
  start.refuseIfNegative("the seccomp filter cannot be installed: the kernel needs CONFIG_SECCOMP_FILTER");
}
