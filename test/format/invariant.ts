import type { Image, Segment } from "../../src/format/image.ts";

const PAGE_BYTES = 4096;

/** @returns what of an image's promises does not hold; empty for a sound one. Written from the types' documentation. */
export function brokenPromises(image: Image, file: Uint8Array): string[] {
  const { segments, entry, endAddress, manifest } = image;
  const promises: [text: string, holds: boolean][] = [
    ["the architecture is known", ["x86-64", "aarch64"].includes(image.architecture)],
    ["the ABI is known", ["hvt", "spt", "virtio", "muen", "genode", "xen"].includes(image.abi)],
    ["the ABI's version is 32-bit", Number.isInteger(image.abiVersion) && image.abiVersion >= 0],
    ["the entry is executable", segments.some((segment) => segment.rights.execute && contains(segment, entry))],
    ["the entry is aligned", image.architecture === "x86-64" || entry % 4 === 0],
    ["each segment is sound", segments.every((segment) => isSound(segment, file))],
    ["each segment is its program header's", segments.every((segment) => isFaithful(segment, file))],
    [
      "segments ascend, and none is in another's aligned range",
      segments.every((segment, index) => follows(segments[index - 1], segment)),
    ],
    ["the end lies above all", segments.every((segment) => endOf(segment) <= endAddress)],
    ["the end is a page's", endAddress % PAGE_BYTES === 0 && endAddress <= 2 ** 47],
    ["device names are unique", new Set(manifest.devices.map(({ name }) => name)).size === manifest.devices.length],
    ["devices are at most 63", manifest.devices.length <= 63],
    ["each device is sound", manifest.devices.every(isDeviceSound)],
    ["the manifest is the devices'", manifest.bytes.length === 8 + 104 * (manifest.devices.length + 1)],
    ["the manifest is a view", isView(manifest.bytes, file)],
  ];
  return promises.filter(([, holds]) => !holds).map(([text]) => text);
}

function isSound({ address, memoryBytes, content, rights, alignBytes }: Segment, file: Uint8Array): boolean {
  return (
    Number.isSafeInteger(address) &&
    Number.isSafeInteger(memoryBytes) &&
    address >= 0x100000 &&
    address % PAGE_BYTES === 0 &&
    address + memoryBytes <= 2 ** 47 &&
    memoryBytes > 0 &&
    content.length <= memoryBytes &&
    isView(content, file) &&
    !(rights.write && rights.execute) &&
    alignBytes >= PAGE_BYTES &&
    Number.isInteger(Math.log2(alignBytes))
  );
}

/** Whether the segment's content is what its program header, read anew, says. */
function isFaithful({ index, address, memoryBytes, content }: Segment, file: Uint8Array): boolean {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const row = Number(view.getBigUint64(32, true)) + index * 56;
  const field = (offset: number) => Number(view.getBigUint64(row + offset, true));
  return (
    field(16) === address &&
    field(40) === memoryBytes &&
    field(32) === content.length &&
    (content.length === 0 || file.byteOffset + field(8) === content.byteOffset)
  );
}

function isDeviceSound({ index, name, type }: Image["manifest"]["devices"][number], position: number): boolean {
  return index === position + 1 && /^[A-Za-z0-9]{1,67}$/.test(name) && (type === "block" || type === "net");
}

function isView(part: Uint8Array, file: Uint8Array): boolean {
  return part.buffer === file.buffer && part.byteOffset + part.length <= file.byteOffset + file.length;
}

function follows(previous: Segment | undefined, segment: Segment): boolean {
  if (previous === undefined) return segment.address - (segment.address % segment.alignBytes) >= 0x100000;
  const previousEnd = Math.ceil(endOf(previous) / previous.alignBytes) * previous.alignBytes;
  return previousEnd <= segment.address - (segment.address % segment.alignBytes);
}

function contains(segment: Segment, address: number): boolean {
  return address >= segment.address && address < endOf(segment);
}

function endOf({ address, memoryBytes }: Segment): number {
  return address + memoryBytes;
}
