import { describe, expect, it } from "vitest";
import { plannedDevices } from "../../src/monitor/build-devices.ts";
import type { BlockOptions, NetOptions } from "../../src/monitor/device-options.ts";
import { UsageError } from "../../src/monitor/error.ts";
import { collectOptions, matchDevices } from "../../src/monitor/match-devices.ts";
import { BLOCK, NET } from "../format/build-image.ts";
import { exitImage } from "../support/small-image.ts";

const image = exitImage({
  devices: [
    { name: "service", type: NET },
    { name: "storage", type: BLOCK },
    { name: "backup", type: BLOCK },
  ],
});
const NETS = { service: { tap: "tap0" } };
const BLOCKS = { storage: { file: "a.img" }, backup: { file: "b.img" } };

function match(net: Record<string, NetOptions>, block: Record<string, BlockOptions>, of = image) {
  return matchDevices(of, { net: new Map(Object.entries(net)), block: new Map(Object.entries(block)) });
}

describe("a manifest's devices", () => {
  it("are matched in its order, whatever the options'", () => {
    const { backup, storage } = BLOCKS;
    const matched = match(NETS, { backup, storage });
    expect(matched.map(({ device }) => device.name)).toEqual(["service", "storage", "backup"]);
    expect(matched[2]).toMatchObject({ device: { index: 3 }, block: { file: "b.img" } });
    expect(match({}, {}, exitImage())).toEqual([]);
  });

  it.each([
    [
      "a net device left out",
      {},
      BLOCKS,
      "the image declares the net device 'service', which is not attached; add --net service=tap0",
    ],
    [
      "a block device left out",
      NETS,
      { storage: BLOCKS.storage },
      "the image declares the block device 'backup', which is not attached; add --block backup=disk.img",
    ],
    [
      "a device that is none",
      { ...NETS, other: { tap: 3 } },
      BLOCKS,
      "--net other=…: the image has no such device; the image declares service (net), storage (block), backup (block)",
    ],
    [
      "a block device as net",
      { ...NETS, storage: { tap: 3 } },
      BLOCKS,
      "'storage' is a block device of the image; attach it by --block",
    ],
    [
      "a net device as block",
      NETS,
      { ...BLOCKS, service: { file: 3 } },
      "'service' is a net device of the image; attach it by --net",
    ],
    [
      "another case of letters",
      { Service: { tap: 3 } },
      BLOCKS,
      "--net Service=…: the image has no such device; the image declares service (net), storage (block), backup (block)",
    ],
  ] as const)("refuse %s", (_, net, block, message) => {
    expect(() => match(net, block)).toThrow(new UsageError(message));
  });

  it("refuse any device of an image that declares none", () => {
    const message =
      "--block storage=…: the image has no such device; the image declares no devices; leave the option out";
    expect(() => match({}, { storage: { file: 3 } }, exitImage())).toThrow(new UsageError(message));
  });

  it("are each attached once", () => {
    expect(collectOptions("--net", [["a", 1]])).toEqual(new Map([["a", 1]]));
    const twice = [
      ["a", 1],
      ["b", 2],
      ["a", 3],
    ] as const;
    const message = "--net a=… is given twice; attach each device once";
    expect(() => collectOptions("--net", twice)).toThrow(new UsageError(message));
  });
});

describe("the devices of an executable", () => {
  const capacityBytes = 2 ** 20;
  const plan = (service: NetOptions, storage: BlockOptions, backup: BlockOptions = { file: 9, capacityBytes }) =>
    plannedDevices(match({ service }, { storage, backup }));

  it("are descriptors with what is known of them", () => {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
    expect(plan({ tap: 5, mac }, { file: 3, capacityBytes, blockBytes: 4096 })).toEqual([
      { type: "net", index: 1, name: "service", descriptor: 5, mac },
      { type: "block", index: 2, name: "storage", descriptor: 3, capacityBytes, blockBytes: 4096 },
      { type: "block", index: 3, name: "backup", descriptor: 9, capacityBytes, blockBytes: 512 },
    ]);
  });

  const BY_CAPACITY =
    "--block storage=…: an executable takes a file by descriptor and capacity; give --block storage=@3,capacity=64M";
  it.each([
    [
      "a tap's name",
      { tap: "tap0" },
      { file: 3, capacityBytes },
      "--net service=tap0: an executable takes a tap by descriptor; give --net service=@3",
    ],
    ["a path", { tap: 5 }, { file: "a.img", capacityBytes }, BY_CAPACITY],
    ["no capacity", { tap: 5 }, { file: 3 }, BY_CAPACITY],
    [
      "half a sector",
      { tap: 5 },
      { file: 3, capacityBytes: 1000 },
      "--block storage=…: capacity=1000 is not a whole number of 512-byte sectors",
    ],
    [
      "half a sector of another size",
      { tap: 5 },
      { file: 3, capacityBytes: 2048, blockBytes: 4096 },
      "--block storage=…: capacity=2048 is not a whole number of 4096-byte sectors",
    ],
    [
      "one descriptor twice",
      { tap: 5 },
      { file: 5, capacityBytes },
      "'service' and 'storage' are both attached to descriptor 5; give each device one of its own",
    ],
  ] as const)("refuse %s", (_, net, block, message) => {
    expect(() => plan(net, block)).toThrow(new UsageError(message));
  });
});
