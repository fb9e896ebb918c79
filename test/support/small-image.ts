import type { Image } from "../../src/format/image.ts";
import { parseImage } from "../../src/format/parse.ts";
import { AARCH64, buildImage, type ImageDescription, RX, X86_64 } from "../format/build-image.ts";
import { hostArchitecture } from "./guest.ts";

/** Instructions that end the process with status 42: Intel SDM vol. 2 (mov, syscall), Arm ARM C6.2 (movz, svc). */
const EXIT_42 = {
  // mov $231, %eax; mov $42, %edi; syscall
  "x86-64": [0xb8, 231, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05],
  // mov x8, #94; mov x0, #42; svc #0
  aarch64: [0xc8, 0x0b, 0x80, 0xd2, 0x40, 0x05, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4],
} as const;

const TEXT_ADDRESS = 0x100000;

/** Code of a guest for this host that ends with status 42. */
export const exitCode = Uint8Array.from(EXIT_42[hostArchitecture]);

export interface ExitDescription extends Pick<ImageDescription, "devices" | "segments"> {
  readonly textBytes?: number;
}

/** An image of an ABI-abiding guest that ends with status 42 at once; its segments but the first are as described. */
export function exitImage(description: ExitDescription = {}): Image {
  const { devices = [], segments = [], textBytes = exitCode.length } = description;
  const text = { address: TEXT_ADDRESS, content: exitCode, memoryBytes: textBytes, flags: RX };
  const machine = hostArchitecture === "x86-64" ? X86_64 : AARCH64;
  return parseImage(buildImage({ machine, entry: TEXT_ADDRESS, devices, segments: [text, ...segments] }).file);
}
