import { expect, it } from "vitest";
import { addressIn, bootInformation } from "../../src/abi/spt.ts";
import { BLOCK, NET } from "../format/build-image.ts";
import { exitImage } from "../support/small-image.ts";

// Solo5 v0.12, include/spt_abi.h (struct spt_boot_info) and include/mft_abi.h (struct mft_entry).
const BOOT_INFORMATION = 0x11000;
const MANIFEST = 40;
const MANIFEST_BYTES = 8 + 104 * 4;
const entry = (index: number) => MANIFEST + 8 + 104 * index;

const { manifest } = exitImage({
  devices: [
    { name: "service", type: NET },
    { name: "storage", type: BLOCK },
    { name: "other", type: NET },
  ],
});
const mac = Uint8Array.of(2, 1, 2, 3, 4, 5);
const boot = {
  processName: "guest",
  memoryBytes: 2 ** 40 + 2 ** 20,
  imageEnd: 0x101000,
  manifest: manifest.bytes,
  net: [
    { index: 1, name: "service", descriptor: 30, mac },
    { index: 3, name: "other", descriptor: 4, mac: undefined },
  ],
  block: [{ index: 2, name: "storage", descriptor: 7, capacityBytes: 2 ** 40 + 4096, blockBytes: 4096 }],
  epollDescriptor: 31,
  timerDescriptor: 32,
};
const bytes = bootInformation(boot);
const view = new DataView(bytes.buffer);

it("tells memory, image, manifest and command line, and where the guest waits", () => {
  const words = [0, 8, 16, 24].map((at) => view.getBigUint64(at, true));
  const commandLine = BOOT_INFORMATION + bytes.length;
  expect(words).toEqual([2 ** 40 + 2 ** 20, 0x101000, commandLine, BOOT_INFORMATION + MANIFEST].map(BigInt));
  expect([view.getInt32(32, true), view.getInt32(36, true)]).toEqual([31, 32]);
  expect(addressIn.commandLine(MANIFEST_BYTES)).toBe(commandLine);
});

it("tells each device's properties and descriptor", () => {
  expect(view.getUint32(MANIFEST, true)).toBe(1);
  expect(view.getUint32(MANIFEST + 4, true)).toBe(4);
  expect([...bytes.subarray(entry(1) + 72, entry(1) + 80)]).toEqual([...mac, 0, 0]);
  expect([...bytes.subarray(entry(3) + 72, entry(3) + 80)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(addressIn.mac(3)).toBe(BOOT_INFORMATION + entry(3) + 72);
  expect(addressIn.mtu(3)).toBe(BOOT_INFORMATION + entry(3) + 78);
  expect(view.getBigUint64(entry(2) + 72, true)).toBe(2n ** 40n + 4096n);
  expect(view.getUint16(entry(2) + 80, true)).toBe(4096);
  expect([1, 2, 3].map((index) => view.getInt32(entry(index) + 88, true))).toEqual([30, 7, 4]);
  expect([0, 1, 2, 3].map((index) => view.getUint8(entry(index) + 96))).toEqual([0, 1, 1, 1]);
});

it.each([
  ["guest", "guest"],
  ["", ""],
  ["a name of more than fifteen bytes", "a name of more "],
  ["fifteen bytes..", "fifteen bytes.."],
])("has the process' name %j right before the command line", (processName, kept) => {
  const named = bootInformation({ ...boot, processName });
  expect(named.length).toBe(bytes.length);
  expect(Buffer.from(named.subarray(-1 - kept.length)).toString()).toBe(`${kept}\0`);
});

it("leaves room for 63 devices and the command line below the image, in the page of 64 KiB that is the ABI's", () => {
  const devices = Array.from({ length: 63 }, (_, index) => ({ name: `d${index}`, type: NET }));
  const { bytes: most } = exitImage({ devices }).manifest;
  expect(addressIn.commandLine(most.length) + 8192).toBeLessThanOrEqual(0x20000);
});
