import { chmodSync, closeSync, constants, mkdirSync, openSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { BlockOptions, NetOptions } from "../../src/monitor/device-options.ts";
import { UsageError } from "../../src/monitor/error.ts";
import { matchDevices } from "../../src/monitor/match-devices.ts";
import { type OpenDevices, openDevices } from "../../src/monitor/open-devices.ts";
import { BLOCK, NET } from "../format/build-image.ts";
import { shell, succeed } from "../support/command.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { ownDescriptors } from "../support/process-state.ts";
import { exitImage } from "../support/small-image.ts";
import { attachTun, TUN_FLAGS } from "../support/tap.ffi.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder();
const CLOSE_ON_EXEC = 0o2000000;

/** Opens, says what came of it, and holds that nothing stays open but the devices. */
function openAndClose(open: () => OpenDevices): OpenDevices["devices"] | UsageError {
  const before = ownDescriptors();
  try {
    const { devices, close } = open();
    close();
    return devices;
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  } finally {
    expect(ownDescriptors()).toEqual(before);
  }
}

describe("block devices", () => {
  const image = exitImage({
    devices: [
      { name: "storage", type: BLOCK },
      { name: "backup", type: BLOCK },
    ],
  });
  const good = sparseFile(join(folder, "good.img"), 2 ** 20);
  const open = (storage: BlockOptions, backup: BlockOptions = { file: good }) =>
    openAndClose(() =>
      openDevices(matchDevices(image, { net: new Map(), block: new Map(Object.entries({ storage, backup })) })),
    );
  const opened: number[] = [];
  afterEach(() => {
    for (const descriptor of opened.splice(0)) closeSync(descriptor);
  });
  const inherit = (path: string, flags: number | string) => {
    const descriptor = openSync(path, flags);
    opened.push(descriptor);
    return descriptor;
  };

  it.each([512, 1024, 2048, 4096, 8192, 16384, 32768])(
    "of %i-byte sectors have the capacity of their files",
    (blockBytes) => {
      expect(open({ file: good, blockBytes })).toMatchObject([
        { type: "block", index: 1, name: "storage", capacityBytes: 2 ** 20, blockBytes },
        { type: "block", index: 2, name: "backup", capacityBytes: 2 ** 20, blockBytes: 512 },
      ]);
    },
  );

  it("may be larger than 32 bits", () => {
    const large = sparseFile(join(folder, "large.img"), 2 ** 40);
    expect(open({ file: large })).toMatchObject([{ capacityBytes: 2 ** 40 }, {}]);
  });

  it("may be inherited descriptors, and one that is not theirs stays open", () => {
    const descriptor = inherit(good, "r+");
    expect(open({ file: descriptor })).toMatchObject([{ descriptor, capacityBytes: 2 ** 20 }, {}]);
  });

  it.each([0, 1, 511, 513, 1000, 65535])("refuse a file of %i bytes", (sizeBytes) => {
    const file = sparseFile(join(folder, "odd.img"), sizeBytes);
    const message = `--block storage=${file}: its ${sizeBytes} bytes are not a whole number of 512-byte sectors; make it so with truncate -s, or choose another sector=`;
    expect(open({ file })).toEqual(new UsageError(message));
  });

  it("refuse a file of whole sectors, but of another size", () => {
    const file = sparseFile(join(folder, "odd.img"), 6144);
    const message = `--block storage=${file}: its 6144 bytes are not a whole number of 4096-byte sectors; make it so with truncate -s, or choose another sector=`;
    expect(open({ file, blockBytes: 4096 })).toEqual(new UsageError(message));
  });

  const NO_FILE = "that is neither a file nor a block device";
  it.each([
    ["absent", "there is no such file; make one with truncate -s 64M and its name"],
    ["good.img/below", "there is no such file; a part of the path is not a directory"],
    ["folder", "that is a directory; give the path of a file in it"],
    ["fifo", `${NO_FILE}; make one with truncate -s 64M disk.img`],
    ["/dev/null", `${NO_FILE}; make one with truncate -s 64M disk.img`],
    ["dangling", "there is no such file; make one with truncate -s 64M and its name"],
    ["socket", NO_FILE],
  ])("refuse %s", (name, message) => {
    const path = name.startsWith("/") ? name : join(folder, name);
    if (name === "folder") mkdirSync(path);
    if (name === "fifo") succeed("mkfifo", path);
    if (name === "dangling") symlinkSync("nowhere", path);
    if (name === "socket") makeSocketFile(path);
    expect(open({ file: path })).toEqual(new UsageError(`--block storage=${path}: ${message}`));
  });

  it("refuse what fails second as what fails first, and leave nothing open", () => {
    const path = join(folder, "absent");
    const message = `--block backup=${path}: there is no such file; make one with truncate -s 64M and its name`;
    expect(open({ file: good }, { file: path })).toEqual(new UsageError(message));
  });

  it("refuse a descriptor that is closed, or open for less than reading and writing", () => {
    const mode = (descriptor: number) =>
      new UsageError(
        `--block storage=@${descriptor}: the descriptor must be open for reading and writing, not appending, e.g. ${descriptor}<>disk.img`,
      );
    const reading = inherit(good, constants.O_RDONLY);
    const appending = inherit(good, constants.O_RDWR | constants.O_APPEND);
    expect(open({ file: reading })).toEqual(mode(reading));
    expect(open({ file: appending })).toEqual(mode(appending));
    expect(open({ file: 999 })).toEqual(
      new UsageError("--block storage=@999: descriptor 999 is not open; let the shell open it, e.g. 999<>FILE"),
    );
  });

  it("refuse one descriptor for two devices", () => {
    const descriptor = inherit(good, "r+");
    const message = `'storage' and 'backup' are both attached to descriptor ${descriptor}; give each device one of its own`;
    expect(open({ file: descriptor }, { file: descriptor })).toEqual(new UsageError(message));
  });

  it("refuse a capacity, which only a build fixes", () => {
    const message = `--block storage=${good}: capacity= is for skiff build; leave it out, the file's size counts`;
    expect(open({ file: good, capacityBytes: 2 ** 20 })).toEqual(new UsageError(message));
  });

  it.each([0, 256, 1000, 65536, 512.5, Number.NaN, -512])("refuse sectors of %d bytes from a program", (blockBytes) => {
    const message = `--block storage=${good}: sectors of ${blockBytes} bytes; give a power of two from 512 to 32768`;
    expect(open({ file: good, blockBytes })).toEqual(new UsageError(message));
  });
});

/** Unix domain sockets cannot be opened as files. */
function makeSocketFile(path: string): void {
  const made = shell(
    '"$0" -e \'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, 9))\' "$1"',
    [process.execPath, path],
  );
  expect(made.end).toBe("SIGKILL");
}

const NOBODY = 65534;

function asNobody<Result>(action: () => Result): Result {
  process.seteuid?.(NOBODY);
  try {
    return action();
  } finally {
    process.seteuid?.(0);
  }
}

describeWith([root], "block devices that another user asks for", () => {
  it("are refused where the rights are missing", () => {
    const path = sparseFile(join(folder, "root.img"), 512);
    chmodSync(path, 0o600);
    chmodSync(folder, 0o711);
    const image = exitImage({ devices: [{ name: "storage", type: BLOCK }] });
    const matched = matchDevices(image, { net: new Map(), block: new Map([["storage", { file: path }]]) });
    expect(asNobody(() => openAndClose(() => openDevices(matched)))).toEqual(
      new UsageError(`--block storage=${path}: no right to read and write it; change that with chmod or chown`),
    );
  });
});

describeWith([root, program("ip", "iproute2")], "net devices", () => {
  const namespace = namespaceOfTests();
  const image = exitImage({
    devices: [
      { name: "service0", type: NET },
      { name: "service1", type: NET },
    ],
  });
  const open = (service0: NetOptions, service1: NetOptions) => {
    const matched = matchDevices(image, { net: new Map(Object.entries({ service0, service1 })), block: new Map() });
    return namespace.inside(() => openAndClose(() => openDevices(matched)));
  };
  const links = () =>
    namespace
      .ip("-o link show")
      .replace(/^\d+: ([^:]+):.*$/gm, "$1")
      .trim()
      .split("\n");
  beforeAll(() => {
    for (const tap of ["tap0", "tap1", "busy"]) namespace.addTap(tap);
    namespace.ip("tuntap add down0 mode tap");
    namespace.ip("tuntap add tun0 mode tun");
    namespace.ip("link set tun0 up");
  });
  const names = ["busy", "down0", "lo", "tap0", "tap1", "tun0"];

  it("are taps that exist and are up", () => {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
    expect(open({ tap: "tap0" }, { tap: "tap1", mac })).toMatchObject([
      { type: "net", index: 1, name: "service0", mac: undefined },
      { type: "net", index: 2, name: "service1", mac },
    ]);
  });

  it("are refused, each with its mend, and nothing is made or left", () => {
    const held = namespace.inside(() => attachTun("busy"));
    const notPlain = (tap: string) =>
      `${tap} is not a plain tap; name one, or make one with 'ip tuntap add NAME mode tap'`;
    const NAME_RULE = "an interface's name has at most 15 bytes, none of them a space, /, : or %; e.g. tap0";
    const refusals: [string, string][] = [
      [
        "absent",
        "there is no such interface; have it made with absent,host=10.0.0.1/24, or make it with 'ip tuntap add absent mode tap && ip link set absent up'",
      ],
      ["down0", "the interface is down; bring it up with 'ip link set down0 up'"],
      ["busy", "something is attached to that tap already; give each device a tap of its own"],
      ["tun0", notPlain("tun0")],
      ["lo", notPlain("lo")],
      ["a234567890123456", NAME_RULE],
      ["tap%d", NAME_RULE],
      ["a/b", NAME_RULE],
      ["tap 0", NAME_RULE],
      ["..", NAME_RULE],
      ["ääääääää", NAME_RULE],
    ];
    for (const [tap, message] of refusals) {
      // The first device is attached by then, and let go again.
      expect(open({ tap: "tap0" }, { tap })).toEqual(new UsageError(`--net service1=${tap}: ${message}`));
    }
    closeSync(held);
    expect(links().sort()).toEqual(names);
    expect(open({ tap: "tap0" }, { tap: "busy" })).toHaveLength(2);
  });

  it("refuse one tap for two devices", () => {
    const message = "--net service1=tap0: something is attached to that tap already; give each device a tap of its own";
    expect(open({ tap: "tap0" }, { tap: "tap0" })).toEqual(new UsageError(message));
  });

  it("are made with the host's address where that was asked for, and go again", () => {
    const image = exitImage({ devices: [{ name: "service0", type: NET }] });
    const host = { address: Uint8Array.of(10, 7, 0, 1), prefixBits: 20 };
    const net = new Map([["service0", { tap: "made0", host }]]);
    const { close } = namespace.inside(() => openDevices(matchDevices(image, { net, block: new Map() })));
    const shown = namespace.ip("-o address show made0");
    expect(shown).toContain("inet 10.7.0.1/20 ");
    expect(namespace.ip("link show made0")).toMatch(/[<,]UP[,>]/);
    close();
    expect(links()).not.toContain("made0");
  });

  it("are not made over an interface that exists, whatever it is", () => {
    const host = { address: Uint8Array.of(10, 7, 0, 1), prefixBits: 20 };
    for (const tap of ["tap1", "down0", "tun0", "lo"]) {
      const message = `--net service1=${tap}: that interface exists already; leave host= out, or give the new tap another name`;
      expect(open({ tap: "tap0" }, { tap, host })).toEqual(new UsageError(message));
    }
    expect(links().sort()).toEqual(names);
  });

  it("may be inherited descriptors of taps", () => {
    const [first, second] = namespace.inside(() => [attachTun("tap0"), attachTun("tap1")]) as [number, number];
    expect(open({ tap: first }, { tap: second })).toMatchObject([{ descriptor: first }, { descriptor: second }]);
    const both = `'service0' and 'service1' are both attached to descriptor ${first}; give each device one of its own`;
    expect(open({ tap: first }, { tap: first })).toEqual(new UsageError(both));
    for (const descriptor of [first, second]) closeSync(descriptor);
    const closed = `--net service0=@${first}: descriptor ${first} is not open; let the shell open it, e.g. ${first}<>FILE`;
    expect(open({ tap: first }, { tap: second })).toEqual(new UsageError(closed));
  });

  it.each([
    ["a file", () => openSync("/dev/null", "r+")],
    ["a tun", () => attachTun("tun0", TUN_FLAGS.tun | TUN_FLAGS.noPacketInformation)],
    [
      "a tap with virtio headers",
      () => attachTun("tap0", TUN_FLAGS.tap | TUN_FLAGS.noPacketInformation | TUN_FLAGS.virtioHeader),
    ],
  ])("refuse a descriptor that is %s", (_, inherit) => {
    const descriptor = namespace.inside(inherit);
    const message = `--net service0=@${descriptor}: the descriptor is not a tap without packet information; open it with IFF_TAP | IFF_NO_PI`;
    expect(open({ tap: descriptor }, { tap: "tap1" })).toEqual(new UsageError(message));
    closeSync(descriptor);
  });

  it.each([
    ["five bytes", Uint8Array.of(2, 0, 0, 0, 0)],
    ["seven bytes", Uint8Array.of(2, 0, 0, 0, 0, 0, 1)],
    ["a group address", Uint8Array.of(1, 0, 0, 0, 0, 1)],
  ])("refuse a MAC of %s from a program", (_, mac) => {
    const message = "--net service1=tap1: the MAC must have six bytes, the first of them even";
    expect(open({ tap: "tap0" }, { tap: "tap1", mac })).toEqual(new UsageError(message));
  });

  it.each([
    [3, 24],
    [16, 24],
    [4, 0],
    [4, 32],
    [4, 8.5],
  ])("refuse an address of %i bytes and %d bits from a program", (bytes, prefixBits) => {
    const message = "--net service1=made0: the host's address must have four bytes, its network 1 to 31 bits";
    const host = { address: new Uint8Array(bytes), prefixBits };
    expect(open({ tap: "tap0" }, { tap: "made0", host })).toEqual(new UsageError(message));
  });

  it("are closed on execve unless a guest inherits them", () => {
    const { devices, close } = namespace.inside(() =>
      openDevices(
        matchDevices(image, {
          net: new Map([
            ["service0", { tap: "tap0" }],
            ["service1", { tap: "tap1" }],
          ]),
          block: new Map(),
        }),
      ),
    );
    const flags = devices.map(
      ({ descriptor }) => shell('grep flags "/proc/$PPID/fdinfo/$0"', [String(descriptor)]).stdout,
    );
    close();
    for (const text of flags) expect(Number.parseInt(text.split("\t")[1] ?? "", 8) & CLOSE_ON_EXEC).toBe(CLOSE_ON_EXEC);
  });
});
