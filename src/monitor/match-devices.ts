import type { Image, ManifestDevice } from "../format/image.ts";
import type { BlockOptions, NetOptions } from "./device-options.ts";
import { UsageError } from "./error.ts";

/** What the user attaches, by the names of the image's manifest. */
export interface DeviceOptions {
  readonly net: ReadonlyMap<string, NetOptions>;
  readonly block: ReadonlyMap<string, BlockOptions>;
}

/** A device of the manifest with what it is attached to. */
export type MatchedDevice =
  | { readonly device: ManifestDevice; readonly net: NetOptions }
  | { readonly device: ManifestDevice; readonly block: BlockOptions };

/** Holds the options against the manifest: every declared device is attached, and nothing else. */
export function matchDevices(image: Image, options: DeviceOptions): MatchedDevice[] {
  const { devices } = image.manifest;
  for (const [type, names] of [
    ["net", options.net.keys()],
    ["block", options.block.keys()],
  ] as const) {
    for (const name of names) refuseUnknown(devices, type, name);
  }
  return devices.map((device) => {
    const net = device.type === "net" ? options.net.get(device.name) : undefined;
    if (net !== undefined) return { device, net };
    const block = device.type === "block" ? options.block.get(device.name) : undefined;
    if (block !== undefined) return { device, block };
    const example = device.type === "net" ? `--net ${device.name}=tap0` : `--block ${device.name}=disk.img`;
    throw new UsageError(
      `the image declares the ${device.type} device '${device.name}', which is not attached; add ${example}`,
    );
  });
}

function refuseUnknown(devices: readonly ManifestDevice[], type: ManifestDevice["type"], name: string): void {
  const sameName = devices.find((device) => device.name === name);
  if (sameName?.type === type) return;
  if (sameName !== undefined) {
    throw new UsageError(`'${name}' is a ${sameName.type} device of the image; attach it by --${sameName.type}`);
  }
  const known = devices.map((device) => `${device.name} (${device.type})`).join(", ");
  const mend = known === "" ? "the image declares no devices; leave the option out" : `the image declares ${known}`;
  throw new UsageError(`--${type} ${name}=…: the image has no such device; ${mend}`);
}

/** Makes a map of repeated options; a device attached twice is refused. */
export function collectOptions<Options>(
  option: string,
  entries: readonly (readonly [string, Options])[],
): Map<string, Options> {
  const map = new Map<string, Options>();
  for (const [name, value] of entries) {
    if (map.has(name)) throw new UsageError(`${option} ${name}=… is given twice; attach each device once`);
    map.set(name, value);
  }
  return map;
}
