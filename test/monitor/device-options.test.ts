import { describe, expect, it } from "vitest";
import { parseBlockOption, parseMemory, parseNetOption } from "../../src/monitor/device-options.ts";
import { UsageError } from "../../src/monitor/error.ts";

const NAME_MEND = "give the device's name and what it is attached to, e.g.";
const DESCRIPTOR_MEND = "give the number of an inherited descriptor from @3 up; 0 to 2 are standard input and output";

describe("--net", () => {
  it.each([
    ["service=tap0", { tap: "tap0" }],
    ["A0=@3", { tap: 3 }],
    ["service=@1048576", { tap: 1048576 }],
    ["service=tap=0", { tap: "tap=0" }],
    ["service=tap0,mac=02:00:00:00:00:01", { tap: "tap0", mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }],
    ["service=@7,mac=FE:dc:BA:98:76:54", { tap: 7, mac: Uint8Array.of(0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54) }],
    ["service=tap0,host=10.0.0.1/24", { tap: "tap0", host: { address: Uint8Array.of(10, 0, 0, 1), prefixBits: 24 } }],
    [
      "service=tap0,host=223.255.255.255/1,mac=00:00:00:00:00:01",
      {
        tap: "tap0",
        mac: Uint8Array.of(0, 0, 0, 0, 0, 1),
        host: { address: Uint8Array.of(223, 255, 255, 255), prefixBits: 1 },
      },
    ],
  ])("%s is understood", (text, options) => {
    expect(parseNetOption(text)).toEqual([text.slice(0, text.indexOf("=")), options]);
  });

  const SETTINGS = "after a comma stands mac=… or host=…, once each";
  it.each([
    ["", `--net : ${NAME_MEND} --net service=tap0`],
    ["service", `--net service: ${NAME_MEND} --net service=tap0`],
    ["=tap0", `--net =tap0: ${NAME_MEND} --net service=tap0`],
    ["service=", `--net service=: ${NAME_MEND} --net service=tap0`],
    ["ser vice=tap0", `--net ser vice=tap0: ${NAME_MEND} --net service=tap0`],
    ["sérvice=tap0", `--net sérvice=tap0: ${NAME_MEND} --net service=tap0`],
    ["service=,mac=02:00:00:00:00:01", `--net service=,mac=02:00:00:00:00:01: ${NAME_MEND} --net service=tap0`],
    ...["@", "@x", "@0", "@2", "@-1", "@1048577", "@12345678", "@3 ", "@3x", "@0x3", "@1e1"].map((backend) => [
      `service=${backend}`,
      `--net service=${backend}: ${DESCRIPTOR_MEND}`,
    ]),
    ["service=tap0,", `--net service=tap0,: '' is not understood there; ${SETTINGS}`],
    ["service=tap0,mtu=9000", `--net service=tap0,mtu=9000: 'mtu=9000' is not understood there; ${SETTINGS}`],
    ["service=tap0,mac", `--net service=tap0,mac: 'mac' is not understood there; ${SETTINGS}`],
    ["service=tap0,mac=", `--net service=tap0,mac=: 'mac=' is not understood there; ${SETTINGS}`],
    [
      "service=tap0,mac=02:00:00:00:00:01,mac=02:00:00:00:00:02",
      `--net service=tap0,mac=02:00:00:00:00:01,mac=02:00:00:00:00:02: 'mac=02:00:00:00:00:02' is not understood there; ${SETTINGS}`,
    ],
    ...[
      "02:00:00:00:00",
      "02:00:00:00:00:00:01",
      "2:0:0:0:0:1",
      "02-00-00-00-00-01",
      "0g:00:00:00:00:01",
      "02:00:00:00:00:01=1",
    ].map((mac) => [
      `service=tap0,mac=${mac}`,
      `mac=${mac}: give six bytes in hexadecimal, e.g. mac=02:00:00:00:00:01`,
    ]),
    ...["01:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"].map((mac) => [
      `service=tap0,mac=${mac}`,
      `mac=${mac}: that is no station's address; the first byte must be even, and not all zero, e.g. mac=02:00:00:00:00:01`,
    ]),
    ...[
      "10.0.0.1",
      "10.0.0/24",
      "10.0.0.256/24",
      "10.0.0.1/0",
      "10.0.0.1/32",
      "10.0.0.01/24",
      "10.0.0.1/24/8",
      "::1/64",
      "0.0.0.0/24",
      "127.0.0.1/8",
      "224.0.0.1/24",
    ].map((host) => [
      `service=tap0,host=${host}`,
      `host=${host}: give the host's IPv4 address and its network's bits, e.g. host=10.0.0.1/24`,
    ]),
    [
      "service=@3,host=10.0.0.1/24",
      "--net service=@3,host=10.0.0.1/24: host= makes a tap, and needs a name for it: service=tap0,host=10.0.0.1/24",
    ],
  ])("%s is refused", (text = "", message) => {
    expect(() => parseNetOption(text)).toThrow(new UsageError(message));
  });
});

describe("--block", () => {
  it.each([
    ["storage=disk.img", { file: "disk.img" }],
    ["storage=/dev/disk/by-id/a=b", { file: "/dev/disk/by-id/a=b" }],
    ["storage=@9", { file: 9 }],
    ["storage=disk.img,sector=512", { file: "disk.img", blockBytes: 512 }],
    ["storage=disk.img,sector=32768", { file: "disk.img", blockBytes: 32768 }],
    ["storage=@3,capacity=1", { file: 3, capacityBytes: 1 }],
    ["storage=@3,capacity=64K,sector=4096", { file: 3, capacityBytes: 65536, blockBytes: 4096 }],
    ["storage=@3,capacity=5M", { file: 3, capacityBytes: 5 * 2 ** 20 }],
    ["storage=@3,capacity=8388607G", { file: 3, capacityBytes: 8388607 * 2 ** 30 }],
    ["storage=@3,capacity=999999999999", { file: 3, capacityBytes: 999999999999 }],
  ])("%s is understood", (text, options) => {
    expect(parseBlockOption(text)).toEqual(["storage", options]);
  });

  const SETTINGS = "after a comma stands sector=… or capacity=…, once each";
  it.each([
    ["storage", `--block storage: ${NAME_MEND} --block storage=disk.img`],
    ["storage=@2", `--block storage=@2: ${DESCRIPTOR_MEND}`],
    ["storage=a,b", `--block storage=a,b: 'b' is not understood there; ${SETTINGS}`],
    ["storage=a,mac=1", `--block storage=a,mac=1: 'mac=1' is not understood there; ${SETTINGS}`],
    ...["0", "1", "256", "511", "513", "1000", "65536", "1048576", "-512", "512b", "1e3", "0x200", "512=4096"].map(
      (sector) => [`storage=a,sector=${sector}`, `sector=${sector}: give a power of two from 512 to 32768`],
    ),
    ...["0", "-1", "1.5M", "1T", "K", "1k", "0512", "1MM", "1 M", "1234567890123", "8388608G", "999999999999G"].map(
      (capacity) => [
        `storage=@3,capacity=${capacity}`,
        `capacity=${capacity}: give a number of bytes below 2^53, with K, M or G for powers of 1024`,
      ],
    ),
  ])("%s is refused", (text = "", message) => {
    expect(() => parseBlockOption(text)).toThrow(new UsageError(message));
  });
});

describe("--mem", () => {
  it.each([
    ["1", 1],
    ["512", 512],
    ["999999999", 999999999],
  ])("%s is understood", (text, mib) => {
    expect(parseMemory(text)).toBe(mib);
  });

  it.each(["", "0", "-1", "1.5", "1M", "01", " 1", "0x10", "1e3", "1000000000", "NaN", "infinity"])(
    "%s is refused",
    (text) => {
      const message = `--mem ${text}: give a whole number of MiB, e.g. --mem 64`;
      expect(() => parseMemory(text)).toThrow(new UsageError(message));
    },
  );
});
