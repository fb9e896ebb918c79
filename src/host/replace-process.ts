import { closeSync, writeSync } from "node:fs";
import { HostError } from "./error.ts";
import {
  clearSignalMask,
  createExecutableMemfd,
  execve,
  openFilesLimit,
  resetSignal,
  restoreNonBlocking,
  setCloseOnExec,
  setOpenFilesLimit,
  statusFlags,
} from "./libc.ffi.ts";

// Linux include/uapi/asm-generic/signal.h; `node:os` has them too, but takes milliseconds to load.
const SIGPIPE = 13;
const SIGXFSZ = 25;

const STANDARD_DESCRIPTORS = [0, 1, 2] as const;

/** A file's content by pieces; what lies between them is zero. */
interface Pieces {
  readonly pieces: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** Flags of the standard descriptors: take them before anything touches `process.stdout` or `process.stdin`. */
export type StandardFlags = readonly (number | undefined)[];

export function standardFlags(): StandardFlags {
  return STANDARD_DESCRIPTORS.map(statusFlags);
}

/**
 * Holds an executable in a file without a name; the descriptor is closed on `execve`.
 * @throws HostError where the file cannot be made or not be that large (`ulimit -f` counts), and leaves none.
 */
export function executableMemfd(name: string, file: Pieces): number {
  const descriptor = createExecutableMemfd(name);
  try {
    for (const { offset, bytes } of file.pieces) writeFully(descriptor, bytes, offset);
  } catch (error) {
    closeSync(descriptor);
    const errno = error instanceof Error && "errno" in error ? Number(error.errno) : Number.NaN;
    throw Number.isNaN(errno) ? error : new HostError("write", -errno, name);
  }
  return descriptor;
}

function writeFully(descriptor: number, bytes: Uint8Array, offset: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, offset + written);
  }
}

/**
 * Replaces this process by an executable held in memory, with an empty environment and with everything given back that
 * Node changed as it started (Node 20 src/node.cc, `PlatformInit`; libuv `uv_disable_stdio_inheritance`): close-on-exec
 * of the standard descriptors, O_NONBLOCK on what they share with others, ignored SIGPIPE and SIGXFSZ, the signal mask,
 * and the soft limit of open files, which is taken from the parent, since Node keeps no note of its own.
 *
 * @param inherited descriptors that the executable is to find open.
 * @returns only by throwing `HostError`.
 */
export function replaceProcess(
  executable: number,
  args: readonly string[],
  inherited: readonly number[],
  flagsAtStart: StandardFlags,
): never {
  for (const descriptor of STANDARD_DESCRIPTORS) {
    const flags = flagsAtStart[descriptor];
    if (flags === undefined) continue;
    restoreNonBlocking(descriptor, flags);
    setCloseOnExec(descriptor, false);
  }
  for (const descriptor of inherited) setCloseOnExec(descriptor, false);
  giveBackOpenFilesLimit();
  resetSignal(SIGPIPE);
  resetSignal(SIGXFSZ);
  clearSignalMask();
  execve(`/proc/self/fd/${executable}`, args, []);
}

function giveBackOpenFilesLimit(): void {
  const own = openFilesLimit(0);
  const parent = openFilesLimit(process.ppid);
  if (own === undefined || parent === undefined || parent.soft >= own.soft) return;
  setOpenFilesLimit({ soft: parent.soft, hard: own.hard });
}
