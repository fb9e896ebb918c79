import { constants } from "node:fs";
import { BlockDevice } from "../device/block.ts";
import { NetDevice } from "../device/net.ts";
import { restoreNonBlocking, statusFlags } from "../host/libc.ffi.ts";
import { randomBytes } from "../host/random.ffi.ts";
import { tapMtu } from "../host/tap-mtu.ffi.ts";
import { HostBlocks, HostFrames } from "./host-backends.ts";
import type { OpenDevice } from "./open-devices.ts";

/** The devices of a guest that Skiff itself serves, by their index in the manifest, on descriptors of this host. */
export interface HostDevices {
  readonly block: ReadonlyMap<number, BlockDevice>;
  readonly net: ReadonlyMap<number, NetDevice>;
  /** What a guest that waits waits for. */
  readonly waitFor: readonly { readonly index: number; readonly descriptor: number }[];
}

/** @param devices stay the caller's to close. @throws {HostError} where a tap cannot be asked for its MTU. */
export function hostDevices(devices: readonly OpenDevice[]): HostDevices {
  const block = new Map<number, BlockDevice>();
  const net = new Map<number, NetDevice>();
  const waitFor: { readonly index: number; readonly descriptor: number }[] = [];
  for (const device of devices) {
    const { index, descriptor } = device;
    if (device.type === "block") {
      block.set(index, new BlockDevice(new HostBlocks(descriptor), device));
    } else {
      restoreNonBlocking(descriptor, (statusFlags(descriptor) ?? 0) | constants.O_NONBLOCK);
      const shape = { mac: device.mac ?? drawMac(), mtu: tapMtu(descriptor) };
      net.set(index, new NetDevice(new HostFrames(descriptor), shape));
      waitFor.push({ index, descriptor });
    }
  }
  return { block, net, waitFor };
}

/** A MAC of one station, locally administered (IEEE 802, section 8.4). */
function drawMac(): Uint8Array {
  const mac = randomBytes(6);
  mac[0] = ((mac[0] ?? 0) & 0xfe) | 0x02;
  return mac;
}
