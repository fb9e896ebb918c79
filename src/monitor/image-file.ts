import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { MAX_IMAGE_BYTES } from "../format/elf.ts";
import { ImageError } from "../format/error.ts";
import type { Image } from "../format/image.ts";
import { parseImage } from "../format/parse.ts";
import { UsageError } from "./error.ts";

/**
 * Reads and checks the image in a file.
 * @throws UsageError with the path, what is wrong with it and how to mend it.
 */
export function readImageFile(path: string): Image {
  try {
    return parseImage(readImageBytes(path));
  } catch (error) {
    if (!(error instanceof ImageError)) throw refusal(path, error);
    throw new UsageError(`${path} is not a usable image: ${error.message}`, { cause: error });
  }
}

/**
 * Reads the file of an image without looking into it.
 * @throws UsageError where it is no file of a sensible size; what `open` refuses comes as Node's error.
 */
export function readImageBytes(path: string): Uint8Array {
  // Without O_NONBLOCK a FIFO would hold the command until someone writes to it.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(descriptor);
    if (status.isDirectory()) throw new UsageError(`${path} is a directory; give the path of an image in it`);
    if (!status.isFile()) throw new UsageError(`${path} is not a regular file; copy the image into one`);
    if (status.size > MAX_IMAGE_BYTES) {
      throw new UsageError(`${path} has ${status.size} bytes; an image has at most ${MAX_IMAGE_BYTES}`);
    }
    return readFully(descriptor, status.size);
  } finally {
    closeSync(descriptor);
  }
}

function readFully(descriptor: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const count = readSync(descriptor, bytes, filled, size - filled, filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function refusal(path: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") return error;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new UsageError(`${path} does not exist; give the path of an image`, { cause: error });
  }
  if (code === "EACCES") {
    return new UsageError(`${path} may not be read; give yourself the right (chmod +r)`, { cause: error });
  }
  return new UsageError(`${path} could not be read (${code}); give the path of a readable image`, { cause: error });
}
