import { accessSync, closeSync, constants, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { coreHeader } from "../format/core.ts";
import { residentPages } from "../host/resident-pages.ts";
import { guestAddress } from "../memory/address.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { UsageError } from "./error.ts";
import type { GuestState } from "./hvt-machine.ts";

export interface CoreFile {
  readonly path: string;
  readonly writtenBytes: number;
}

/** Bytes written at once. */
const CHUNK_BYTES = 16 * 2 ** 20;
/** The core holds what the guest held: secrets perhaps. */
const MODE = 0o600;

/**
 * Writes a guest's memory and registers into a file for debuggers; what the guest never touched is a hole in it.
 * @param path of a file that is not there yet.
 * @throws Node's error where the file cannot be made or written: what was written stays.
 */
export function writeCoreFile(path: string, { memory, ...state }: GuestState): CoreFile {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const descriptor = openSync(path, O_WRONLY | O_CREAT | O_EXCL, MODE);
  try {
    const memoryBytes = memory.sizeBytes;
    const { bytes, memoryOffset } = coreHeader({ ...state, memoryBytes, processId: process.pid });
    ftruncateSync(descriptor, memoryOffset + memoryBytes);
    writeFully(descriptor, bytes, 0);
    let writtenBytes = 0;
    for (const run of touched(memory)) {
      for (let done = 0; done < run.bytes; done += CHUNK_BYTES) {
        const part = memory.own(guestAddress(run.offset + done), Math.min(CHUNK_BYTES, run.bytes - done));
        writeFully(descriptor, part.bytes, memoryOffset + part.address);
        writtenBytes += part.length;
      }
    }
    return { path, writtenBytes };
  } finally {
    closeSync(descriptor);
  }
}

/** @throws {UsageError} where no file can be made there. */
export function requireCoreFolder(folder: string): void {
  const where = `--core ${folder}`;
  const status = statSync(folder, { throwIfNoEntry: false });
  if (status === undefined) throw new UsageError(`${where}: there is no such folder; make it with mkdir`);
  if (!status.isDirectory()) throw new UsageError(`${where}: that is no folder; give the path of one`);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new UsageError(`${where}: no right to write there; give another folder`, { cause: error });
  }
}

/** Name of the core file of this process' guest, in a folder. */
export function corePath(folder: string, program: string): string {
  return join(folder, `core.${program}.${process.pid}`);
}

function touched(memory: GuestMemory) {
  const { hostAddress, sizeBytes } = memory;
  return hostAddress === undefined ? [{ offset: 0, bytes: sizeBytes }] : residentPages(hostAddress, sizeBytes);
}

function writeFully(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}
