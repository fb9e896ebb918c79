import type { BlockAttachment, NetAttachment } from "../abi/spt.ts";
import type { SparseFile } from "../engine/process/elf.ts";
import { ExecutableLimits, largestPageBytes, makeExecutable } from "../engine/process/executable.ts";
import type { Image } from "../format/image.ts";
import { BYTES_PER_MIB, minimumMemoryMib } from "../format/memory.ts";
import { hostPageBytes } from "../host/libc.ffi.ts";
import { UsageError } from "./error.ts";
import type { OpenDevice } from "./open-devices.ts";

/** What the executable of a guest is made from. */
export interface GuestOptions {
  readonly image: Image;
  readonly memoryMib: number;
  /** With the descriptors that the guest will find them at. */
  readonly devices: readonly OpenDevice[];
  /** Name of the process. */
  readonly name: string;
  /** Who speaks in the line that is written where the start is refused. */
  readonly speaker: string;
  /** Lets the guest execute what it writes to its heap and stack. */
  readonly executableHeap?: boolean;
}

/** Lays the guest out for pages of this host alone: the smallest file. */
export function executableForThisHost(options: GuestOptions): SparseFile {
  const pageBytes = hostPageBytes();
  largestPageBytes(options.image, pageBytes);
  return executable(options, pageBytes);
}

/** Lays the guest out for the largest pages that the image allows, so that the file runs on more hosts. */
export function executableForAnyHost(options: GuestOptions): SparseFile {
  return executable(options, largestPageBytes(options.image, 4096));
}

function executable(options: GuestOptions, pageBytes: number): SparseFile {
  const { image, memoryMib, devices, name, speaker, executableHeap = false } = options;
  const least = minimumMemoryMib(image);
  if (memoryMib < least) {
    throw new UsageError(`--mem ${memoryMib}: the image needs at least ${least} MiB; give it --mem ${least} or more`);
  }
  const memoryBytes = memoryMib * BYTES_PER_MIB;
  if (memoryBytes > ExecutableLimits.memoryBytesMax) {
    throw new UsageError(
      `--mem ${memoryMib}: at most ${ExecutableLimits.memoryBytesMax / BYTES_PER_MIB} MiB can be given`,
    );
  }
  return makeExecutable({
    image,
    memoryBytes,
    block: devices.filter((device): device is OpenDevice & BlockAttachment => device.type === "block"),
    net: devices.filter((device): device is OpenDevice & NetAttachment => device.type === "net"),
    pageBytes,
    processName: name,
    speaker,
    executableHeap,
  });
}
