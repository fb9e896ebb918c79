import { type GuestAddress, guestAddress } from "../memory/address.ts";
import { fillBlock, fillNet } from "./manifest.ts";

/** Address of the boot information; all below it faults, so that a null pointer's neighbourhood does. */
export const BOOT_INFORMATION_ADDRESS = guestAddress(0x10000);
/** Room for the guest's command line, its terminator included (`HVT_CMDLINE_SIZE`). */
export const COMMAND_LINE_BYTES = 8192;

/** Offsets in `struct hvt_boot_info`, and its size (Solo5 v0.12, `include/hvt_abi.h`). */
const BOOT = {
  bytes: 64,
  memoryBytes: 0,
  imageEnd: 8,
  counterHz: 16,
  commandLine: 24,
  manifest: 32,
  hostFeatures: 40,
  netRing: 48,
} as const;
/** `HVT_FEATURE_RING_IO`. */
const FEATURE_RING = 1;

/** What the guest is told of a device, by its index in the manifest. */
export type HvtDeviceShape =
  | {
      readonly type: "block";
      readonly index: number;
      readonly capacityBytes: number;
      readonly blockBytes: number;
    }
  | { readonly type: "net"; readonly index: number; readonly mac: Uint8Array; readonly mtu: number };

export interface HvtBoot {
  readonly memoryBytes: number;
  /** First address above the image. */
  readonly imageEnd: number;
  /** Of the processor's counter that the guest's monotonic clock is. */
  readonly counterHz: number;
  /** `struct mft` of the image. */
  readonly manifest: Uint8Array;
  readonly devices: readonly HvtDeviceShape[];
  /** Words of the guest's command line, joined by spaces; at most `COMMAND_LINE_BYTES` with the terminator. */
  readonly commandLine: Uint8Array;
  /** Where the network ring lies; the guest is offered none where it is left out. */
  readonly netRing?: GuestAddress;
}

/** The bytes at `BOOT_INFORMATION_ADDRESS`: the boot information, the manifest with its devices, the command line. */
export function bootInformation(boot: HvtBoot): Uint8Array {
  const commandLineAt = BOOT.bytes + boot.manifest.length;
  const bytes = new Uint8Array(commandLineAt + boot.commandLine.length + 1);
  bytes.set(boot.manifest, BOOT.bytes);
  bytes.set(boot.commandLine, commandLineAt);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(BOOT.memoryBytes, BigInt(boot.memoryBytes), true);
  view.setBigUint64(BOOT.imageEnd, BigInt(boot.imageEnd), true);
  view.setBigUint64(BOOT.counterHz, BigInt(boot.counterHz), true);
  view.setBigUint64(BOOT.commandLine, BigInt(BOOT_INFORMATION_ADDRESS + commandLineAt), true);
  view.setBigUint64(BOOT.manifest, BigInt(BOOT_INFORMATION_ADDRESS + BOOT.bytes), true);
  if (boot.netRing !== undefined) {
    view.setUint32(BOOT.hostFeatures, FEATURE_RING, true);
    view.setBigUint64(BOOT.netRing, BigInt(boot.netRing), true);
  }
  const manifest = new DataView(bytes.buffer, BOOT.bytes, boot.manifest.length);
  for (const device of boot.devices) {
    if (device.type === "block") fillBlock(manifest, device.index, device.capacityBytes, device.blockBytes);
    else fillNet(manifest, device.index, device.mac, device.mtu);
  }
  return bytes;
}
