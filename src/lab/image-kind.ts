import { closeSync, openSync, readSync } from "node:fs";
import { ImageError } from "../format/error.ts";
import type { Image } from "../format/image.ts";
import { parseImage } from "../format/parse.ts";
import { UsageError } from "../monitor/error.ts";
import { readImageBytes } from "../monitor/image-file.ts";

/**
 * What a file of `--image` is:
 * - `solo5`: an image with Solo5's notes, e.g. of MirageOS, for its tenders and Skiff's engines;
 * - `kernel`: what a monitor boots directly, e.g. Unikraft's or Rumprun's: another ELF executable, or a Linux kernel;
 * - `disk`: what a machine boots from, e.g. OSv's.
 */
export type ImageKind = SoloImage | { readonly kind: "kernel" } | DiskImage;

export interface SoloImage {
  readonly kind: "solo5";
  readonly image: Image;
}

export interface DiskImage {
  readonly kind: "disk";
  readonly format: "raw" | "qcow2";
}

/** Of a boot sector, which ends with the signature 0x55 0xaa; a Linux kernel's begins with one, and its header follows. */
const HEAD_BYTES = 0x206;
const SIGNATURE_OFFSET = 0x1fe;
/** Of the header's `HdrS` (Linux Documentation/arch/x86/boot.rst); AArch64's Image has its magic at 56 (arm64/booting.rst). */
const X86_HEADER_OFFSET = 0x202;
const ARM_MAGIC_OFFSET = 56;
/** Type and name of the note that tells an image's ABI (Solo5 v0.12, `include/elf_abi.h`). */
const ABI_NOTE = "ABI1Solo5\0";

/**
 * Looks into a file.
 * @throws UsageError where it cannot be read, or is nothing that anything here runs.
 */
export function imageKind(path: string): ImageKind {
  const head = readHead(path);
  const holds = (offset: number, text: string) => head.toString("latin1", offset, offset + text.length) === text;
  if (holds(0, "\u007fELF")) return elfKind(path);
  if (holds(X86_HEADER_OFFSET, "HdrS") || holds(ARM_MAGIC_OFFSET, "ARM\u0064")) return { kind: "kernel" };
  if (holds(0, "QFI\u00fb")) return { kind: "disk", format: "qcow2" };
  if (holds(SIGNATURE_OFFSET, "\u0055\u00aa")) return { kind: "disk", format: "raw" };
  throw new UsageError(
    `--image ${path}: this is no ELF file, no Linux kernel and no disk that boots; give an image of a unikernel`,
  );
}

/** An ELF file that tells a Solo5 ABI has to be right; one that does not may be any kernel. */
function elfKind(path: string): ImageKind {
  const bytes = readImageBytes(path);
  try {
    return { kind: "solo5", image: parseImage(bytes) };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (!Buffer.from(bytes).includes(ABI_NOTE)) return { kind: "kernel" };
    throw new UsageError(`--image ${path} is not a usable image: ${error.message}`, { cause: error });
  }
}

function readHead(path: string): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw new UsageError(`--image ${path} cannot be read; give the path of an image`, { cause: error });
  }
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    readSync(descriptor, head);
    return head;
  } catch (error) {
    throw new UsageError(`--image ${path} cannot be read; give the path of an image`, { cause: error });
  } finally {
    closeSync(descriptor);
  }
}
