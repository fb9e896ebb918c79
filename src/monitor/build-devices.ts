import { BLOCK_BYTES_MIN, type BlockOptions } from "./device-options.ts";
import { UsageError } from "./error.ts";
import type { MatchedDevice } from "./match-devices.ts";
import { type OpenDevice, refuseShared } from "./open-devices.ts";

/** The devices of an executable that will find them open, by descriptor, when it starts. */
export function plannedDevices(matched: readonly MatchedDevice[]): OpenDevice[] {
  const devices = matched.map((match): OpenDevice => {
    const { name, index } = match.device;
    if ("block" in match) return { type: "block", index, name, ...plannedBlock(name, match.block) };
    const { tap, mac } = match.net;
    if (typeof tap !== "number")
      throw new UsageError(`--net ${name}=${tap}: an executable takes a tap by descriptor; give --net ${name}=@3`);
    return { type: "net", index, name, descriptor: tap, mac };
  });
  refuseShared(devices);
  return devices;
}

function plannedBlock(name: string, { file, blockBytes = BLOCK_BYTES_MIN, capacityBytes }: BlockOptions) {
  if (typeof file !== "number" || capacityBytes === undefined) {
    throw new UsageError(
      `--block ${name}=…: an executable takes a file by descriptor and capacity; give --block ${name}=@3,capacity=64M`,
    );
  }
  if (capacityBytes % blockBytes !== 0) {
    throw new UsageError(
      `--block ${name}=…: capacity=${capacityBytes} is not a whole number of ${blockBytes}-byte sectors`,
    );
  }
  return { descriptor: file, capacityBytes, blockBytes };
}
