import type { KvmEngine } from "../../engine/kvm/engine.ts";
import { EventDescriptor } from "../../host/epoll.ffi.ts";
import { HostError } from "../../host/error.ts";
import type { HostDevices } from "../host-devices.ts";
import type { HvtMachine } from "../hvt-machine.ts";
import type { OpenDevice } from "../open-devices.ts";
import type { RingRecord } from "./protocol.ts";
import type { RingLoss, RingThread, RunningRing } from "./thread.ts";

/** A machine that has not run yet, and what it is made of. */
export interface RingOffer {
  readonly engine: KvmEngine;
  readonly machine: HvtMachine;
  readonly devices: readonly OpenDevice[];
  readonly net: HostDevices["net"];
}

/**
 * Has the thread serve the machine's network ring, until the machine is closed, and tells the guest of it.
 * @returns undefined where the thread or KVM cannot.
 */
export function offerRing(thread: RingThread, offer: RingOffer, onLoss?: RingLoss): RingRecord | undefined {
  const doorbell = new EventDescriptor();
  const ring = startRing(thread, doorbell, offer, onLoss);
  if (ring === undefined) {
    doorbell.close();
    return undefined;
  }
  const { record } = ring;
  offer.machine.offerRing({
    get broken() {
      return record.broken;
    },
    get lost() {
      return record.lost;
    },
    close: () => {
      ring.close();
      doorbell.close();
    },
  });
  return record;
}

function startRing(
  thread: RingThread,
  doorbell: EventDescriptor,
  { engine, devices, net }: RingOffer,
  onLoss: RingLoss | undefined,
): RunningRing | undefined {
  const { hostAddress, sizeBytes } = engine.memory;
  if (hostAddress === undefined) return undefined;
  try {
    engine.addDoorbell(doorbell.descriptor);
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
  const parts = {
    memoryAddress: hostAddress,
    memoryBytes: sizeBytes,
    devices: devices.flatMap(({ index, descriptor }) => {
      const device = net.get(index);
      return device === undefined ? [] : [{ index, descriptor, mac: device.mac, mtu: device.mtu }];
    }),
    doorbell: doorbell.descriptor,
    guestThread: engine.interruptibleThread,
  };
  return thread.add(parts, onLoss);
}
