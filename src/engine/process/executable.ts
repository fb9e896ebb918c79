import {
  addressIn,
  type BlockAttachment,
  BOOT_INFORMATION_ADDRESS,
  bootInformation,
  COMMAND_LINE_BYTES,
  type NetAttachment,
} from "../../abi/spt.ts";
import { ImageError } from "../../format/error.ts";
import type { Architecture, Image, Rights, Segment } from "../../format/image.ts";
import { assembleFilter } from "./seccomp/filter.ts";
import { sptPolicy } from "./seccomp/policy.ts";
import { emitStartCode } from "./start-program.ts";

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

/** A file's content by pieces; what lies between them is zero. */
export interface SparseFile {
  readonly sizeBytes: number;
  readonly pieces: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
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

// ELF64 (System V gABI, chapters 4 and 5).
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const ET_EXEC = 2;
const MACHINE: Readonly<Record<Architecture, number>> = { "x86-64": 62, aarch64: 183 };
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474_e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** A part of the executable that the kernel maps. */
interface Part {
  readonly address: number;
  readonly content: Uint8Array;
  readonly memoryBytes: number;
  readonly rights: Rights;
}

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
  const parts: Part[] = [
    ...image.segments.map(({ address, content, memoryBytes, rights }) => ({ address, content, memoryBytes, rights })),
    startCode(plan),
  ];
  return layOut(image.architecture, plan.pageBytes, parts);
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

/** Puts each part at a file offset congruent to its address, as mapping it demands. */
function layOut(architecture: Architecture, pageBytes: number, parts: readonly Part[]): SparseFile {
  const headers = new Uint8Array(ELF_HEADER_BYTES + (parts.length + 1) * PROGRAM_HEADER_BYTES);
  const view = new DataView(headers.buffer);
  writeElfHeader(view, architecture, parts.length + 1);
  const pieces: { offset: number; bytes: Uint8Array }[] = [{ offset: 0, bytes: headers }];
  let end = headers.length;
  for (const [index, part] of parts.entries()) {
    // A page of the file of its own: what follows in the file must not appear behind the part in memory.
    const offset = roundUp(end, pageBytes) + (part.address % pageBytes);
    // The kernel clears what a file does not cover only where it may write; elsewhere the file's hole is the zeros.
    const fileBytes = part.rights.write ? part.content.length : part.memoryBytes;
    writeProgramHeader(view, index, { ...part, type: PT_LOAD, offset, fileBytes, alignBytes: pageBytes });
    if (fileBytes > 0) {
      pieces.push({ offset, bytes: part.content });
      end = offset + fileBytes;
    }
  }
  writeProgramHeader(view, parts.length, { ...STACK, type: PT_GNU_STACK, offset: 0, fileBytes: 0, alignBytes: 16 });
  return { sizeBytes: end, pieces };
}

/** Says that the initial stack is not executable. */
const STACK = { address: 0, memoryBytes: 0, rights: { read: true, write: true, execute: false } } as const;

function writeElfHeader(view: DataView, architecture: Architecture, programHeaders: number): void {
  // Magic, 64-bit, little-endian, version 1.
  for (const [index, byte] of [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1].entries()) view.setUint8(index, byte);
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, MACHINE[architecture], true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(START_CODE_ADDRESS), true);
  view.setBigUint64(32, BigInt(ELF_HEADER_BYTES), true);
  view.setUint16(52, ELF_HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, programHeaders, true);
}

interface ProgramHeader extends Omit<Part, "content"> {
  readonly type: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly alignBytes: number;
}

function writeProgramHeader(view: DataView, index: number, header: ProgramHeader): void {
  const at = ELF_HEADER_BYTES + index * PROGRAM_HEADER_BYTES;
  const { read, write, execute } = header.rights;
  view.setUint32(at, header.type, true);
  view.setUint32(at + 4, (read ? PF_R : 0) | (write ? PF_W : 0) | (execute ? PF_X : 0), true);
  view.setBigUint64(at + 8, BigInt(header.offset), true);
  view.setBigUint64(at + 16, BigInt(header.address), true);
  view.setBigUint64(at + 24, BigInt(header.address), true);
  view.setBigUint64(at + 32, BigInt(header.fileBytes), true);
  view.setBigUint64(at + 40, BigInt(header.memoryBytes), true);
  view.setBigUint64(at + 48, BigInt(header.alignBytes), true);
}
