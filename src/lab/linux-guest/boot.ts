import { statSync } from "node:fs";
import { UsageError } from "../../monitor/error.ts";
import { refuseInContainer } from "../container/root-folder.ts";
import { guestWords } from "../guest-words.ts";
import { type DiskImage, type ImageKind, imageKind } from "../image-kind.ts";
import { type Lack, lack, SampleError } from "../lack.ts";
import type { Link } from "../network.ts";
import type { ImageProgram, Program } from "../program.ts";
import { ADDRESS_PLACE, type GuestParts, makeLinuxGuest } from "./guest.ts";

/** What a virtual machine is booted with: a kernel, or a disk. */
export interface Boot {
  readonly kernel: string | undefined;
  readonly initramfs: string | undefined;
  readonly disk: { readonly path: string; readonly format: DiskImage["format"] } | undefined;
  /** The kernel's command line; without a link yet, with places for what it gives. */
  readonly append: (link: Link | "places" | undefined) => string;
  readonly memoryMib: number;
  /** Of kernel and initramfs together, or of the disk. */
  readonly imageBytes: number;
}

/** Which images of the user's own a machine boots, beside kernels without Solo5's notes. */
export interface Bootable {
  /** Images for Solo5's `virtio` ABI: they need devices on PCI and a multiboot loader. */
  readonly solo5: "virtio" | undefined;
  readonly disks: boolean;
}

/** For the guest's kernel, beside the program's memory and twice its initramfs, packed and unpacked. */
const KERNEL_MIB = 160;
const MIB = 2 ** 20;

/** Why a machine cannot boot a program; undefined where it can. */
export function refuseBoot(program: Program, bootable: Bootable): Lack | undefined {
  if (program.kind !== "image") return refuseInContainer(program);
  if (findImage(program, bootable) !== undefined) return undefined;
  return lack(`none of ${program.paths.join(", ")} is a kernel${bootable.disks ? " or disk" : ""} that it boots`);
}

/**
 * Makes ready what a machine boots: of a Linux program a guest of its own, of an image that itself.
 * @throws SampleError where a part is missing.
 */
export function makeBoot(program: Program, bootable: Bootable, parts: GuestParts, folder: string): Boot {
  return program.kind === "image" ? imageBoot(program, bootable) : linuxBoot(program, parts, folder);
}

function linuxBoot(program: Program, parts: GuestParts, folder: string): Boot {
  const { kernel, initramfs, initramfsBytes, append } = makeLinuxGuest(program, parts, folder);
  return {
    kernel,
    initramfs,
    disk: undefined,
    append: (link) =>
      link === undefined || link === "places"
        ? append
        : append.replace(ADDRESS_PLACE, `${link.serverAddress}/${link.prefixBits}`),
    memoryMib: program.memoryMib + KERNEL_MIB + 2 * Math.ceil(initramfsBytes / MIB),
    imageBytes: initramfsBytes + statSync(kernel).size,
  };
}

function imageBoot(program: ImageProgram, bootable: Bootable): Boot {
  const found = findImage(program, bootable);
  if (found === undefined) throw new SampleError(`none of ${program.paths.join(", ")} boots`);
  const { path, kind } = found;
  return {
    kernel: kind.kind === "disk" ? undefined : path,
    initramfs: undefined,
    disk: kind.kind === "disk" ? { path, format: kind.format } : undefined,
    append: (link) => guestWords(program, link).join(" "),
    memoryMib: program.memoryMib,
    imageBytes: statSync(path).size,
  };
}

interface FoundImage {
  readonly path: string;
  readonly kind: ImageKind;
}

function findImage({ paths }: ImageProgram, bootable: Bootable): FoundImage | undefined {
  return paths
    .flatMap((path) => {
      const kind = kindOf(path);
      return kind === undefined ? [] : [{ path, kind }];
    })
    .find(({ kind }) => isBootable(kind, bootable));
}

function isBootable(kind: ImageKind, { solo5, disks }: Bootable): boolean {
  switch (kind.kind) {
    case "kernel":
      return true;
    case "disk":
      return disks;
    case "solo5":
      return kind.image.abi === solo5;
  }
}

/** Undefined for a file that went since it was looked at. */
function kindOf(path: string): ImageKind | undefined {
  try {
    return imageKind(path);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
