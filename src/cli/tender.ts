import { closeSync, constants, openSync, writeSync } from "node:fs";
import { ImageError } from "../format/error.ts";
import type { Abi, Image, ManifestDevice } from "../format/image.ts";
import { parseImage } from "../format/parse.ts";
import { ERRNO } from "../host/errno.ts";
import { HostError } from "../host/error.ts";
import { errorText, isOpen, seekableBytes } from "../host/libc.ffi.ts";
import { INTERFACE_NAME_MAX, isPlainTap, openTap, type TapRefusal } from "../host/tap.ffi.ts";
import { BLOCK_BYTES_MIN, MEMORY_MIB_DEFAULT } from "../monitor/device-options.ts";
import { enginesOf, hostArchitecture } from "../monitor/engine-choice.ts";
import { LostThreadError, UsageError } from "../monitor/error.ts";
import { readImageBytes } from "../monitor/image-file.ts";
import type { OpenDevice } from "../monitor/open-devices.ts";
import { type DeviceArgument, parseOption } from "./tender-arguments.ts";
import { VERSION } from "./version.ts";

/** What makes one of Solo5's tenders different from another. */
export interface Tender {
  /** As it calls itself. */
  readonly name: string;
  readonly abi: Abi;
  readonly abiVersion: number;
  /** Lines of the usage for the options that this tender has alone. */
  readonly usage: readonly string[];
}

/** Ends the tender with lines as `warnx(3)` writes them, and the usage where upstream adds it. */
export class TenderExit extends Error {
  readonly lines: readonly string[];
  readonly withUsage: boolean;

  constructor(lines: readonly string[], withUsage = false) {
    super(lines.join("; "));
    this.lines = lines;
    this.withUsage = withUsage;
  }
}

/** What a refusal deserves: its lines. @returns the exit status. */
export function refuse(tender: Tender, error: unknown): number {
  const { name } = tender;
  if (error instanceof TenderExit) {
    for (const line of error.lines) warn(name, line);
    return error.withUsage ? usage(tender) : 1;
  }
  if (
    error instanceof UsageError ||
    error instanceof ImageError ||
    error instanceof HostError ||
    error instanceof LostThreadError
  ) {
    warn(name, inTenderSyntax(error.message));
    return 1;
  }
  throw error;
}

/** A mistake that names options as `skiff run` has them. */
function inTenderSyntax(message: string): string {
  return message.replaceAll(/--mem (?=[0-9])/g, "--mem=");
}

/** Writes a line as `warnx(3)` does. */
export function warn(name: string, line: string): void {
  writeSync(2, `${name}: ${line}\n`);
}

/** @throws {TenderExit} */
export function readImage({ abi, abiVersion }: Tender, path: string): Image {
  let image: Image;
  try {
    image = parseImage(readImageBytes(path));
  } catch (error) {
    throw new TenderExit([imageComplaint(path, error)]);
  }
  if (image.abi !== abi) throw new TenderExit([`${path}: Executable is not for the solo5-${abi} target`]);
  if (image.abiVersion !== abiVersion) {
    throw new TenderExit([`${path}: Executable requests unsupported ABI version ${image.abiVersion}`]);
  }
  const host = hostArchitecture();
  if (!enginesOf(image).some((able) => able.host === host)) {
    throw new TenderExit([
      `${path}: invalid or unsupported executable: it is for ${image.architecture}, this host is ${host}`,
    ]);
  }
  return image;
}

function imageComplaint(path: string, error: unknown): string {
  const errno = error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : undefined;
  if (errno !== undefined) return `${path}: Could not open: ${errorText(Math.abs(errno))}`;
  if (!(error instanceof ImageError)) throw error;
  if (error.field === "Solo5 ABI1 note") return `${path}: No Solo5 ABI information found in executable`;
  if (error.field === "Solo5 MFT1 note") return `${path}: No Solo5 manifest found in executable`;
  if (error.field.endsWith("n_descsz")) return `${path}: note does not fall within valid size: ${error.message}`;
  if (error.field.startsWith("mft")) return `${path}: Solo5 manifest is invalid: ${error.message}`;
  return `${path}: invalid executable: ${error.message}`;
}

export interface TenderOptions {
  readonly memoryMib: number;
  readonly devices: readonly OpenDevice[];
}

/** What is known of a device while the options are read. */
interface Attachment {
  readonly device: ManifestDevice;
  descriptor?: number;
  capacityBytes?: number;
  blockBytes?: number;
  mac?: Uint8Array;
}

/**
 * Reads the options that all tenders have.
 * @param own takes an option of this tender's alone: whether it was one.
 * @throws {TenderExit}
 */
export function readOptions(image: Image, words: readonly string[], own: (word: string) => boolean): TenderOptions {
  const attachments = image.manifest.devices.map((device): Attachment => ({ device }));
  let memoryMib = MEMORY_MIB_DEFAULT;
  for (const word of words) {
    if (own(word)) continue;
    const option = parseOption(word);
    if (option.kind === "mem") {
      memoryMib = option.mib;
    } else if (option.kind === "malformed mem") {
      throw new TenderExit(["Malformed argument to --mem"]);
    } else {
      const complaint = option.kind === "invalid" ? option.complaint : attach(attachments, option);
      if (complaint !== undefined || option.kind === "invalid") {
        const before = complaint === undefined ? [] : [complaint];
        throw new TenderExit([...before, `Invalid option: \`${word}'`], true);
      }
    }
  }
  return { memoryMib, devices: finishAttachments(attachments) };
}

/** Returns a complaint, or undefined where all went well. */
function attach(attachments: readonly Attachment[], option: DeviceArgument): string | undefined {
  const type = option.kind === "net" || option.kind === "net-mac" ? "net" : "block";
  const attachment = attachments.find(({ device }) => device.name === option.name && device.type === type);
  if (attachment === undefined) return `Resource not declared in manifest: '${option.name}'`;
  switch (option.kind) {
    case "net": {
      const descriptor = attachInterface(option.interface);
      if (typeof descriptor === "string") return descriptor;
      attachment.descriptor = descriptor;
      return undefined;
    }
    case "net-mac":
      attachment.mac = option.mac;
      return undefined;
    case "block":
      Object.assign(attachment, attachFile(option.path));
      return undefined;
    case "block-sector-size":
      attachment.blockBytes = option.bytes;
      return undefined;
  }
}

const { ENOENT, ENETDOWN, EBUSY, EPERM, EINVAL, EBADF, ENODEV, EACCES, ENAMETOOLONG } = ERRNO;
const TAP_ERRNO: Readonly<Record<TapRefusal, number>> = {
  absent: ENOENT,
  down: ENETDOWN,
  busy: EBUSY,
  "no rights": EPERM,
  "not a tap": EINVAL,
  "tun device closed": EACCES,
  "no tun device": ENODEV,
  exists: EBUSY,
};

/** An open descriptor, or upstream's complaint. */
function attachInterface(name: string): number | string {
  const complaint = (errno: number) => `Could not attach interface: ${name}: ${errorText(errno)}`;
  // The kernel would take the first bytes of a longer name, and another tap with them.
  if (Buffer.byteLength(name) > INTERFACE_NAME_MAX) return complaint(ENAMETOOLONG);
  if (name.startsWith("@")) {
    const descriptor = /^@[0-9]{1,9}$/.test(name) ? Number(name.slice(1)) : Number.NaN;
    if (Number.isNaN(descriptor)) return complaint(EINVAL);
    if (!isOpen(descriptor)) return complaint(EBADF);
    return isPlainTap(descriptor) ? descriptor : complaint(EINVAL);
  }
  const opening = openTap(name);
  return "refusal" in opening ? complaint(TAP_ERRNO[opening.refusal]) : opening.descriptor;
}

function attachFile(path: string): { readonly descriptor: number; readonly capacityBytes: number } {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const errno = error instanceof Error && "errno" in error ? Math.abs(Number(error.errno)) : EINVAL;
    throw new TenderExit([`Could not open block device: ${path}: ${errorText(errno)}`]);
  }
  const capacityBytes = seekableBytes(descriptor);
  if (capacityBytes === undefined) {
    closeSync(descriptor);
    throw new TenderExit([`${path}: Could not determine capacity`]);
  }
  return { descriptor, capacityBytes };
}

function finishAttachments(attachments: readonly Attachment[]): OpenDevice[] {
  const missing = attachments.filter(({ descriptor }) => descriptor === undefined);
  if (missing.length > 0) {
    const lines = missing.map(({ device }) => {
      return `Device '${device.name}' of type ${device.type.toUpperCase()}_BASIC declared but not attached.`;
    });
    throw new TenderExit([...lines, "All declared devices must be attached. See --help for syntax."]);
  }
  return attachments.map(({ device, descriptor = -1, capacityBytes = 0, blockBytes = BLOCK_BYTES_MIN, mac }) => {
    const named = { index: device.index, name: device.name, descriptor };
    if (device.type === "net") return { type: "net", ...named, mac };
    if (capacityBytes % blockBytes !== 0) {
      throw new TenderExit([`${device.name}: Backing storage size must be block aligned (${blockBytes} bytes)`]);
    }
    if (capacityBytes < blockBytes) {
      throw new TenderExit([`${device.name}: Backing storage must be at least 1 block (${blockBytes} bytes) in size`]);
    }
    return { type: "block", ...named, capacityBytes, blockBytes };
  });
}

export function version({ name, abiVersion }: Tender): number {
  writeSync(2, `${name} tender, version ${VERSION}\nABI version ${abiVersion}\n`);
  return 0;
}

export function usage({ name, usage: own }: Tender): number {
  writeSync(
    2,
    `usage: ${name} [ OPTIONS ] [ -- ] KERNEL [ ARGS ]
KERNEL is the unikernel's file, ARGS are its command line.
Options:
  --mem=512                               guest memory in MB
  --net:NAME=IFACE | @NN                  attach the tap IFACE, or descriptor NN, as network NAME
  --net-mac:NAME=HWADDR                   hardware address of network NAME
  --block:NAME=PATH                       attach the file or device at PATH as block storage NAME
  --block-sector-size:NAME=SECTORSIZE     a power of two, at least 512
${own.map((line) => `  ${line}\n`).join("")}  --help, --version
`,
  );
  return 1;
}
