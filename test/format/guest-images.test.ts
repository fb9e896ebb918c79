import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseImage } from "../../src/format/parse.ts";
import { brokenPromises } from "./invariant.ts";

const FOLDER = resolve(import.meta.dirname, "../../guests/images");

const ARCHITECTURES = [
  ["x86_64", "x86-64"],
  ["aarch64", "aarch64"],
] as const;

/** Devices of the guests' manifests, by the image's name without its ABI; the guests' sources say why. */
const DEVICES: readonly (readonly [image: string, devices: readonly string[]])[] = [
  ["hello", []],
  ["block", ["storage: block"]],
  ["net2", ["service0: net", "service1: net"]],
  ["devices63", [...numbered("block", 32), ...numbered("net", 31)]],
];

function numbered(type: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${type}${String(index).padStart(2, "0")}: ${type}`);
}

describe.each(ARCHITECTURES)("the prebuilt images for %s", (folder, architecture) => {
  const names = readdirSync(resolve(FOLDER, folder)).filter((name) => /\.(spt|hvt)$/.test(name));

  it("are there, for both ABIs", () => {
    expect(names).toEqual(expect.arrayContaining(["hello.spt", "hello.hvt"]));
  });

  it.each(names)("%s is sound, and what its place and name say", (name) => {
    const file = new Uint8Array(readFileSync(resolve(FOLDER, folder, name)));
    const image = parseImage(file);
    expect(image).toMatchObject({ architecture, abi: name.split(".")[1], abiVersion: 2 });
    expect(brokenPromises(image, file)).toEqual([]);
  });

  it.each(DEVICES)("%s declares its devices", (name, devices) => {
    for (const abi of ["spt", "hvt"]) {
      const { manifest } = parseImage(readFileSync(resolve(FOLDER, folder, `${name}.${abi}`)));
      expect(manifest.devices.map((device) => `${device.name}: ${device.type}`)).toEqual(devices);
    }
  });
});
