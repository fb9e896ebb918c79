import { closeSync, constants, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SYSTEM_CALLS } from "../../../src/engine/process/syscalls.ts";
import { type Bundle, bundle } from "../../bundle.ts";
import { type Ended, run, shell } from "../../support/command.ts";
import { buildGuest, hostArchitecture } from "../../support/guest.ts";
import { namespaceOfTests } from "../../support/namespace.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { attachTun, TUN_FLAGS } from "../../support/tap.ffi.ts";
import { sparseFile, temporaryFolder } from "../../support/temporary.ts";

const folder = temporaryFolder();
const CAPACITY = 65536;

/** One line, status 1, and no word of the guest's. */
function refused(line: string): Ended {
  return { end: 1, stdout: "", stderr: `skiff: ${line}\n` };
}

/** Runs with descriptors from 3 on, and closes them. */
function runWith(path: string, descriptors: readonly number[], words: readonly string[] = []): Ended {
  try {
    return run(path, words, { descriptors });
  } finally {
    for (const descriptor of new Set(descriptors)) closeSync(descriptor);
  }
}

describe("the start of a guest with a block device", () => {
  let guest: string;
  beforeAll(() => {
    guest = buildGuest(folder, "block", { block: { storage: { file: 3, capacityBytes: CAPACITY } } });
  });
  const disk = (sizeBytes: number) => sparseFile(join(folder, "disk"), sizeBytes);
  const WRONG_SIZE = refused("block device 'storage' (descriptor 3) must be open and hold 65536 bytes, as at build");
  const WRONG_MODE = refused(
    "block device 'storage' (descriptor 3) must be open for reading and writing, not appending",
  );

  it("goes on where the file is as at build", () => {
    expect(runWith(guest, [openSync(disk(CAPACITY), "r+")])).toEqual({
      end: 0,
      stdout: "block: capacity=65536 block_size=512\nblock: ok\n",
      stderr: "",
    });
  });

  it.each([0, 1, CAPACITY - 1, CAPACITY + 1, CAPACITY - 512, 2 * CAPACITY, 2 ** 32 + CAPACITY])(
    "is refused where the file has %i bytes",
    (sizeBytes) => {
      expect(runWith(guest, [openSync(disk(sizeBytes), "r+")])).toEqual(WRONG_SIZE);
    },
  );

  it("is refused where the descriptor is closed, or can have no size", () => {
    expect(run(guest)).toEqual(WRONG_SIZE);
    expect(shell('"$0" 3<&0', [guest])).toEqual(WRONG_SIZE);
    expect(shell('true | "$0" 3<&0', [guest])).toEqual(WRONG_SIZE);
  });

  it.each([
    ["reading alone", constants.O_RDONLY],
    ["writing alone", constants.O_WRONLY],
    ["appending", constants.O_RDWR | constants.O_APPEND],
  ])("is refused where the file is open for %s", (_, flags) => {
    expect(runWith(guest, [openSync(disk(CAPACITY), flags)])).toEqual(WRONG_MODE);
  });
});

describeWith([root, program("ip", "iproute2")], "the start of a guest with a net device", () => {
  const namespace = namespaceOfTests();
  const other = namespaceOfTests();
  let guest: string;
  beforeAll(() => {
    guest = buildGuest(folder, "net", { net: { service: { tap: 3 } } });
  });
  const start = (descriptor: number) => namespace.inside(() => runWith(guest, [descriptor], ["--limit=0"]));
  const open = (flags: number) => namespace.inside(() => attachTun("device0", flags));
  const NO_TAP = refused("net device 'service' (descriptor 3) must be an open tap without packet information");

  it("goes on where the descriptor is a tap", () => {
    const { end, stdout, stderr } = start(open(TUN_FLAGS.tap | TUN_FLAGS.noPacketInformation));
    expect({ end, stderr }).toEqual({ end: 0, stderr: "" });
    expect(stdout).toMatch(/^service: 10.0.0.2\/24 at [0-9a-f:]{17}, mtu 1500\nnet: answered 0\n$/);
  });

  it("draws a MAC each time, of which all bits but the two lowest of the first byte are random", () => {
    const tap = open(TUN_FLAGS.tap | TUN_FLAGS.noPacketInformation);
    const outputs = namespace.inside(() =>
      Array.from({ length: 64 }, () => run(guest, ["--limit=0"], { descriptors: [tap] }).stdout),
    );
    closeSync(tap);
    const macs = outputs.map((text) => BigInt(`0x${/at ([0-9a-f:]{17})/.exec(text)?.[1]?.replaceAll(":", "")}`));
    const ever = macs.reduce((bits, mac) => bits | mac);
    const always = macs.reduce((bits, mac) => bits & mac);
    // Locally administered, and no group's.
    expect([ever, always].map((bits) => bits.toString(16))).toEqual(["feffffffffff", "20000000000"]);
    expect(new Set(macs).size).toBe(64);
  });

  it.each([
    ["a tun", TUN_FLAGS.tun | TUN_FLAGS.noPacketInformation],
    ["a tap with packet information", TUN_FLAGS.tap],
    ["a tap with virtio headers", TUN_FLAGS.tap | TUN_FLAGS.noPacketInformation | TUN_FLAGS.virtioHeader],
  ])("is refused where the descriptor is %s", (_, flags) => {
    expect(start(open(flags))).toEqual(NO_TAP);
  });

  it("is refused where the descriptor is a file, a tun device without an interface, or closed", () => {
    expect(start(openSync("/dev/null", "r+"))).toEqual(NO_TAP);
    expect(start(openSync("/dev/net/tun", "r+"))).toEqual(NO_TAP);
    expect(namespace.inside(() => run(guest))).toEqual(NO_TAP);
  });

  it("is refused where the tap is of another network namespace", () => {
    const tap = other.inside(() => attachTun("device0"));
    expect(start(tap)).toEqual(
      refused("net device 'service' (descriptor 3) is a tap of another network namespace, its MTU cannot be read"),
    );
  });

  it("is refused where the limit of open files leaves no room for a socket", () => {
    const tap = open(TUN_FLAGS.tap | TUN_FLAGS.noPacketInformation);
    const ended = namespace.inside(() => shell('ulimit -n 4; exec "$0"', [guest], { descriptors: [tap] }));
    closeSync(tap);
    expect(ended).toEqual(refused("no socket can be made to read a tap's MTU: raise the limit of open files"));
  });
});

describe("the start of any guest", () => {
  let hello: string;
  beforeAll(() => {
    hello = buildGuest(folder, "hello");
  });
  const HELLO = "Hello from a unikernel.\n";
  const line = (text: string) => ({ end: 0, stdout: `${HELLO}Command line: ${text}\n`, stderr: "" });

  it("joins its arguments by spaces to the guest's command line", () => {
    expect(run(hello)).toEqual({ end: 0, stdout: HELLO, stderr: "" });
    expect(run(hello, ["one"])).toEqual(line("one"));
    expect(run(hello, ["one", "two  words", "", "ü", "--help", "-v", ""])).toEqual(
      line("one two  words  ü --help -v "),
    );
    expect(run(hello, [""])).toEqual({ end: 0, stdout: HELLO, stderr: "" });
    expect(shell('exec -a "" "$0" word', [hello])).toEqual(line("word"));
  });

  it.each([
    ["one word", (length: number) => ["x".repeat(length)]],
    ["two words", (length: number) => ["x".repeat(length - 4), "yyy"]],
    ["words of one letter", (length: number) => Array.from({ length: (length + 1) / 2 }, () => "x")],
    ["spaces alone", (length: number) => ["", "x".repeat(length - 2), ""]],
  ])("takes a command line of 8191 bytes, in %s, and refuses 8193", (_, words) => {
    const text = words(8191).join(" ");
    expect(text).toHaveLength(8191);
    expect(run(hello, words(8191))).toEqual(line(text));
    expect(run(hello, words(8193))).toEqual(refused("the guest's command line is longer than 8191 bytes"));
  });

  it("refuses a command line of 8192 bytes", () => {
    const tooLong = refused("the guest's command line is longer than 8191 bytes");
    expect(run(hello, ["x".repeat(8192)])).toEqual(tooLong);
    expect(run(hello, ["x".repeat(8191), ""])).toEqual(tooLong);
    expect(run(hello, ["x".repeat(120_000)])).toEqual(tooLong);
  });

  it("takes any environment, of which nothing is left to see", () => {
    const environment = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`V${index}`, "x".repeat(1000)]));
    expect(run(hello, ["word"], { environment })).toEqual(line("word"));
    expect(run(hello, ["word"], { environment: {} })).toEqual(line("word"));
  });

  it("is refused where the personality maps a page at address zero", () => {
    expect(run("setarch", ["-Z", hello])).toEqual(
      refused("the personality makes memory executable; start it without setarch's -X and -Z"),
    );
  });

  it("has no executable heap, whatever the personality: Linux takes that part of it back at execve", () => {
    const guest = buildGuest(folder, "protection");
    const killed = { end: "SIGSEGV", stdout: "protection: heap-execute\n", stderr: "" };
    expect(run("setarch", ["-X", guest, "heap-execute"])).toEqual(killed);
  });

  it("goes on without address space randomisation", () => {
    expect(run("setarch", ["-R", hello])).toEqual({ end: 0, stdout: HELLO, stderr: "" });
    expect(run("setarch", ["-L", hello])).toEqual({ end: 0, stdout: HELLO, stderr: "" });
  });

  it("is refused where the guest's memory cannot be had", () => {
    const large = buildGuest(folder, "memory", { memoryMib: 256 });
    expect(shell('ulimit -v 131072; exec "$0"', [large])).toEqual(
      refused("256 MiB of guest memory cannot be had; free some, or give the guest less by --mem"),
    );
    expect(shell('ulimit -v 524288; exec "$0"', [large]).end).toBe(0);
  });

  it.each([
    [3, "the epoll set cannot be made: raise the limit of open files"],
    [4, "the timer cannot be made: raise the limit of open files"],
  ])("is refused under a limit of %i open files", (limit, message) => {
    expect(shell(`ulimit -n ${limit}; exec "$0"`, [hello])).toEqual(refused(message));
    expect(shell(`ulimit -n 5; exec "$0"`, [hello]).end).toBe(0);
  });

  it("is refused where the limit of open files lies below its own descriptors", () => {
    const high = buildGuest(folder, "block", { block: { storage: { file: 20, capacityBytes: 512 } } });
    const script = (limit: number) => `exec 20<>"$1"; ulimit -n ${limit}; exec "$0"`;
    const words = [high, sparseFile(join(folder, "disk"), 512)];
    expect(shell(script(21), words)).toEqual(refused("the epoll set cannot be made: raise the limit of open files"));
    expect(shell(script(22), words)).toEqual(refused("the timer cannot be made: raise the limit of open files"));
    expect(shell(script(23), words).stdout).toContain("block: capacity=512");
  });

  it("works with any of the standard descriptors closed, and with all", () => {
    expect(shell('exec "$0" word <&-', [hello])).toEqual(line("word"));
    expect(shell('exec "$0" word 2>&-', [hello])).toEqual(line("word"));
    expect(shell('exec "$0" word <&- 2>&-', [hello])).toEqual(line("word"));
    expect(shell('"$0" word >&- && echo ended', [hello])).toEqual({ end: 0, stdout: "ended\n", stderr: "" });
    expect(shell('"$0" word <&- >&- 2>&- && echo ended', [hello])).toEqual({ end: 0, stdout: "ended\n", stderr: "" });
    expect(shell('"$0" "$1" 2>&- || echo $?', [hello, "x".repeat(9000)]).stdout).toBe("1\n");
  });

  it("speaks by the name that it was given, and writes no more than one line", () => {
    const named = buildGuest(folder, "hello", { speaker: "harbour" });
    const { stderr } = run(named, ["x".repeat(9000)]);
    expect(stderr).toBe("harbour: the guest's command line is longer than 8191 bytes\n");
  });
});

describeWith([root, program("ip", "iproute2")], "the start on a kernel that refuses a call", () => {
  const namespace = namespaceOfTests();
  const [ENOSYS, EPERM] = [38, 1];
  const calls = SYSTEM_CALLS[hostArchitecture];
  let deny: Bundle;
  let guest: string;

  beforeAll(async () => {
    deny = await bundle("test/support/deny.ffi.ts");
    guest = buildGuest(folder, "syscalldevices", {
      net: { service: { tap: 3 } },
      block: { storage: { file: 4, capacityBytes: CAPACITY } },
    });
    writeFileSync(join(folder, "denied"), new Uint8Array(CAPACITY));
  });
  afterAll(() => deny.remove());

  /** Runs `write 1 text 25` in the guest. */
  function startWithout(rule: string, errno: number): Ended {
    return namespace.inside(() => {
      const descriptors = [attachTun("tap0"), openSync(join(folder, "denied"), "r+")];
      const words = [deny.path, rule, String(errno), "5", guest, `${calls.write}`, "1", "text", "25"];
      try {
        return run(process.execPath, words, { descriptors });
      } finally {
        for (const descriptor of descriptors) closeSync(descriptor);
      }
    });
  }

  const STARTED: Ended = {
    end: 0,
    stdout: `calling ${calls.write}\nwritten by a system call\nresult 25\n`,
    stderr: "",
  };
  const [F_SETFL, PR_SET_MM, PR_SET_NAME, PR_SET_NO_NEW_PRIVS] = [4, 35, 15, 38];
  const [TUNGETIFF, SIOCGIFMTU, LOW_MEMORY] = [0x800454d2, 0x8921, 0x10000];

  it.each([
    ["socket", `${calls.socket}`, "no socket can be made to read a tap's MTU: raise the limit of open files"],
    [
      "ioctl(TUNGETIFF)",
      `${calls.ioctl},1,${TUNGETIFF}`,
      "net device 'service' (descriptor 3) must be an open tap without packet information",
    ],
    [
      "ioctl(SIOCGIFMTU)",
      `${calls.ioctl},1,${SIOCGIFMTU}`,
      "net device 'service' (descriptor 3) is a tap of another network namespace, its MTU cannot be read",
    ],
    [
      "fcntl(F_SETFL)",
      `${calls.fcntl},1,${F_SETFL}`,
      "net device 'service' (descriptor 3) cannot be set to non-blocking",
    ],
    [
      "mmap of low memory",
      `${calls.mmap},0,${LOW_MEMORY}`,
      "low memory cannot be mapped: set the sysctl vm.mmap_min_addr to 65536 or less",
    ],
    ["getrandom", `${calls.getrandom}`, "no MAC address can be drawn: getrandom failed"],
    ["epoll_create1", `${calls.epoll_create1}`, "the epoll set cannot be made: raise the limit of open files"],
    ["timerfd_create", `${calls.timerfd_create}`, "the timer cannot be made: raise the limit of open files"],
    ["epoll_ctl of the timer", `${calls.epoll_ctl},2,6`, "descriptor 6 cannot be waited for"],
    ["epoll_ctl of the tap", `${calls.epoll_ctl},2,3`, "descriptor 3 cannot be waited for"],
    ["prctl(PR_SET_NO_NEW_PRIVS)", `${calls.prctl},0,${PR_SET_NO_NEW_PRIVS}`, "no_new_privs cannot be set"],
    ["munmap", `${calls.munmap}`, "the initial stack cannot be unmapped"],
    ["seccomp", `${calls.seccomp}`, "the seccomp filter cannot be installed: the kernel needs CONFIG_SECCOMP_FILTER"],
  ])("is refused without %s", (_, rule, message) => {
    expect(startWithout(rule, EPERM)).toEqual(refused(message));
  });

  it.each([
    ["close_range, as before Linux 5.9", `${calls.close_range}`],
    ["prctl(PR_SET_MM), as without CONFIG_CHECKPOINT_RESTORE", `${calls.prctl},0,${PR_SET_MM}`],
    ["prctl(PR_SET_NAME)", `${calls.prctl},0,${PR_SET_NAME}`],
  ])("goes on without %s", (_, rule) => {
    expect(startWithout(rule, ENOSYS)).toEqual(STARTED);
  });
});
