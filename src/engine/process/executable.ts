import {
  addressIn,
  type BlockAttachment,
  BOOT_INFORMATION_ADDRESS,
  bootInformation,
  COMMAND_LINE_BYTES,
  type NetAttachment,
} from "../../abi/spt.ts";
import { ImageError } from "../../format/error.ts";
import type { Architecture, Image, Segment } from "../../format/image.ts";
import { layOut, type Part, type SparseFile } from "./elf.ts";
import { assembleFilter } from "./seccomp/filter.ts";
import { sptPolicy } from "./seccomp/policy.ts";
import { emitStartCode, type ZeroRange } from "./start/program.ts";

/** What an executable is made from. */
export interface ExecutablePlan {
  /** An image of the `spt` ABI. */
  readonly image: Image;
  /** A multiple of 64 KiB, at most `ExecutableLimits.memoryBytesMax`. */
  readonly memoryBytes: number;
  readonly block: readonly BlockAttachment[];
  readonly net: readonly NetAttachment[];
  /** The largest host page to lay out for; see `largestPageBytes`. */
  readonly pageBytes: number;
  readonly processName: string;
  readonly speaker: string;
  readonly executableHeap: boolean;
}

/** Page sizes that Linux hosts of these architectures have. */
export const HOST_PAGE_BYTES = [65536, 16384, 4096] as const;

/**
 * Where start code lies: above every guest, and below 2^39, the end of user space on AArch64 kernels with three levels
 * of page tables (Linux Documentation/arch/arm64/memory.rst).
 */
const START_CODE_ADDRESS = 2 ** 38;

export const ExecutableLimits = { memoryBytesMax: START_CODE_ADDRESS / 2 } as const;

/** Boot information and command line have pages of their own, of whatever size. */
const LOW_MEMORY_ADDRESS = 0x10000;
const LOW_MEMORY_BYTES = 0x10000;

/** Size of the guest's initial frame: the System V ABI's return address, AAPCS64's alignment. */
const STACK_TOP_BYTES: Readonly<Record<Architecture, number>> = { "x86-64": 8, aarch64: 16 };

/**
 * The largest of Linux' page sizes at which no page of the image would need the rights of two segments, or those of a
 * segment and of the heap behind it.
 * Throws `ImageError` where not even pages of `hostPageBytes` can keep them apart.
 */
export function largestPageBytes(image: Image, hostPageBytes: number): number {
  for (const pageBytes of HOST_PAGE_BYTES) {
    const shared = sharedPage(image, pageBytes);
    if (shared === undefined) return pageBytes;
    if (pageBytes === hostPageBytes) {
      throw new ImageError(
        `phdr[${shared.segment.index}].p_vaddr`,
        `0x${shared.segment.address.toString(16)}`,
        `a page of its own: this host's pages are ${hostPageBytes / 1024} KiB, and one would need the rights of ${shared.by}; link the image with -z max-page-size=${hostPageBytes}`,
      );
    }
  }
  throw new RangeError(`pages of ${hostPageBytes} bytes`);
}

function sharedPage(image: Image, pageBytes: number): { readonly segment: Segment; readonly by: string } | undefined {
  const segment = image.segments.find((segment, index) => {
    const before = image.segments[index - 1];
    if (before === undefined) return false;
    const lastPageBefore = Math.floor((endOf(before) - 1) / pageBytes);
    return Math.floor(segment.address / pageBytes) <= lastPageBefore;
  });
  if (segment !== undefined) return { segment, by: "two segments" };
  // The guest's heap begins at `endAddress`; the rest of the last segment's page is its own only where that is writable.
  const last = image.segments.at(-1);
  if (last === undefined || last.rights.write || roundUp(endOf(last), pageBytes) <= image.endAddress) return undefined;
  return { segment: last, by: "a segment and of the heap" };
}

function endOf(segment: Segment): number {
  return segment.address + segment.memoryBytes;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/**
 * Makes the static executable that *is* the guest once it is executed: the image's segments with their rights, and far above
 * them the start code, which brings the boot information into low memory.
 */
export function makeExecutable(plan: ExecutablePlan): SparseFile {
  const { image } = plan;
  const parts: Part[] = [...image.segments.flatMap((segment) => filePart(segment, plan.pageBytes)), startCode(plan)];
  return layOut(image.architecture, START_CODE_ADDRESS, plan.pageBytes, parts);
}

/**
 * End of what the kernel maps of a segment. The zeros of a writable one beyond its file's pages are left to start code:
 * where the host has no memory for them, `execve` would end the process without a word.
 */
function mappedEnd(segment: Segment, pageBytes: number): number {
  if (!segment.rights.write) return endOf(segment);
  return Math.min(endOf(segment), roundUp(segment.address + segment.content.length, pageBytes));
}

function filePart(segment: Segment, pageBytes: number): Part[] {
  const { address, content, rights } = segment;
  const memoryBytes = mappedEnd(segment, pageBytes) - address;
  return memoryBytes === 0 ? [] : [{ address, content, memoryBytes, rights }];
}

function zeroRanges(image: Image, pageBytes: number): ZeroRange[] {
  return image.segments
    .map((segment) => ({ address: mappedEnd(segment, pageBytes), end: endOf(segment) }))
    .filter(({ address, end }) => end > address);
}

/** The descriptors behind the devices' own that start code puts epoll set and timer at. */
function waitDescriptors(plan: ExecutablePlan): { readonly epollDescriptor: number; readonly timerDescriptor: number } {
  const highest = Math.max(2, ...plan.block.map(byDescriptor), ...plan.net.map(byDescriptor));
  return { epollDescriptor: highest + 1, timerDescriptor: highest + 2 };
}

function byDescriptor(device: { readonly descriptor: number }): number {
  return device.descriptor;
}

function bootInformationOf(plan: ExecutablePlan): Uint8Array {
  return bootInformation({
    processName: plan.processName,
    memoryBytes: plan.memoryBytes,
    imageEnd: plan.image.endAddress,
    manifest: plan.image.manifest.bytes,
    block: plan.block,
    net: plan.net,
    ...waitDescriptors(plan),
  });
}

function startCode(plan: ExecutablePlan): Part {
  const { image, memoryBytes, block, net } = plan;
  const { architecture } = image;
  const { epollDescriptor, timerDescriptor } = waitDescriptors(plan);
  const policy = sptPolicy(architecture, {
    epoll: epollDescriptor,
    timer: timerDescriptor,
    net: net.map(byDescriptor),
    block,
  });
  const bytes = emitStartCode(
    {
      architecture,
      speaker: plan.speaker,
      processName: plan.processName,
      pageBytesMax: plan.pageBytes,
      zeros: zeroRanges(image, plan.pageBytes),
      imageStart: image.segments[0]?.address ?? 0,
      imageEnd: lastAddress(image),
      memoryBytes,
      executableHeap: plan.executableHeap,
      commandLineAddress: addressIn.commandLine(image.manifest.bytes.length),
      commandLineBytes: COMMAND_LINE_BYTES,
      block,
      net,
      epollDescriptor,
      timerDescriptor,
      filter: assembleFilter(policy),
      entry: image.entry,
      stackPointer: memoryBytes - STACK_TOP_BYTES[architecture],
      lowMemory: { address: LOW_MEMORY_ADDRESS, bytes: LOW_MEMORY_BYTES },
      bootInformation: { address: BOOT_INFORMATION_ADDRESS, content: bootInformationOf(plan) },
    },
    BigInt(START_CODE_ADDRESS),
  );
  const rights = { read: true, write: false, execute: true };
  return { address: START_CODE_ADDRESS, content: bytes, memoryBytes: bytes.length, rights };
}

function lastAddress(image: Image): number {
  const last = image.segments.at(-1);
  return last === undefined ? image.endAddress : endOf(last);
}
