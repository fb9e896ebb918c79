/**
 * Solo5's `spt` ABI, version 2: what a guest finds in low memory when it starts (Solo5 v0.12, `include/spt_abi.h`,
 * `struct spt_boot_info`; `include/mft_abi.h`, `struct mft_entry`).
 */
import { ENTRY, entryOffset, fillBlock } from "./manifest.ts";

export const SPT_ABI_VERSION = 2;
/** Address of the boot information. */
export const BOOT_INFORMATION_ADDRESS = 0x11000;
/** Room for the guest's command line, its terminator included. */
export const COMMAND_LINE_BYTES = 8192;
/** `data` of the internal timer's event in the epoll set; a net device's is its index in the manifest. */
export const TIMER_EVENT_DATA = 0xffff_fffen;

/** Room before the command line for the process' name, which tools that list processes show in front of it. */
const PROCESS_NAME_BYTES = 16;

const BOOT_INFORMATION_BYTES = 40;

/** A block device as the guest sees it; its reads and writes are of one block each. */
export interface BlockAttachment {
  /** Index in the manifest. */
  readonly index: number;
  readonly name: string;
  readonly descriptor: number;
  readonly capacityBytes: number;
  /** A power of two, 512 to 32768. */
  readonly blockBytes: number;
}

/** A net device as the guest sees it; its MTU is filled in when the guest starts. */
export interface NetAttachment {
  /** Index in the manifest. */
  readonly index: number;
  readonly name: string;
  readonly descriptor: number;
  /** Six bytes; where it is undefined, one is drawn when the guest starts. */
  readonly mac: Uint8Array | undefined;
}

export interface SptBoot {
  readonly processName: string;
  readonly memoryBytes: number;
  /** First address above the image. */
  readonly imageEnd: number;
  /** `struct mft` of the image. */
  readonly manifest: Uint8Array;
  readonly block: readonly BlockAttachment[];
  readonly net: readonly NetAttachment[];
  readonly epollDescriptor: number;
  readonly timerDescriptor: number;
}

/** Where things of the boot information lie in the guest's memory. */
export const addressIn = {
  /** Six bytes. */
  mac: (index: number) => entryAddress(index) + ENTRY.mac,
  /** Two bytes. */
  mtu: (index: number) => entryAddress(index) + ENTRY.mtu,
  /** Right behind the process' name and its terminator. */
  commandLine: (manifestBytes: number) =>
    BOOT_INFORMATION_ADDRESS + BOOT_INFORMATION_BYTES + manifestBytes + PROCESS_NAME_BYTES,
} as const;

function entryAddress(index: number): number {
  return BOOT_INFORMATION_ADDRESS + BOOT_INFORMATION_BYTES + entryOffset(index);
}

/**
 * The bytes at `BOOT_INFORMATION_ADDRESS`: the boot information, the manifest, and the process' name, which ends where
 * the command line begins.
 */
export function bootInformation(boot: SptBoot): Uint8Array {
  const bytes = new Uint8Array(BOOT_INFORMATION_BYTES + boot.manifest.length + PROCESS_NAME_BYTES);
  const name = processNameBytes(boot.processName);
  bytes.set(name, bytes.length - name.length);
  bytes.set(boot.manifest, BOOT_INFORMATION_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(boot.memoryBytes), true);
  view.setBigUint64(8, BigInt(boot.imageEnd), true);
  view.setBigUint64(16, BigInt(addressIn.commandLine(boot.manifest.length)), true);
  view.setBigUint64(24, BigInt(BOOT_INFORMATION_ADDRESS + BOOT_INFORMATION_BYTES), true);
  view.setInt32(32, boot.epollDescriptor, true);
  view.setInt32(36, boot.timerDescriptor, true);
  const manifest = new DataView(bytes.buffer, BOOT_INFORMATION_BYTES, boot.manifest.length);
  for (const { index, capacityBytes, blockBytes, descriptor } of boot.block) {
    fillBlock(manifest, index, capacityBytes, blockBytes);
    attach(manifest, index, descriptor);
  }
  for (const { index, mac, descriptor } of boot.net) {
    if (mac !== undefined) bytes.set(mac, BOOT_INFORMATION_BYTES + entryOffset(index) + ENTRY.mac);
    attach(manifest, index, descriptor);
  }
  return bytes;
}

/** The name as Linux keeps it: at most 15 bytes and a terminator (prctl(2), `PR_SET_NAME`). */
export function processNameBytes(name: string): Uint8Array {
  const text = new TextEncoder().encode(name).subarray(0, PROCESS_NAME_BYTES - 1);
  const bytes = new Uint8Array(text.length + 1);
  bytes.set(text);
  return bytes;
}

function attach(manifest: DataView, index: number, descriptor: number): void {
  manifest.setInt32(entryOffset(index) + ENTRY.hostDescriptor, descriptor, true);
  manifest.setUint8(entryOffset(index) + ENTRY.attached, 1);
}
