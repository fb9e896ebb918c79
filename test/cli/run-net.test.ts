import { closeSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Ended, type Running, start } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { attachTun } from "../support/tap.ffi.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const folder = temporaryFolder();
const skiff = bundledSkiff();
const MAC = /at ([0-9a-f]{2}(?::[0-9a-f]{2}){5}), mtu (\d+)\n/;

/** Sends datagrams to the echo port, one after the other's answer, and prints how many came back as they were. */
const UDP_PEER = `
  const [address, count, size] = process.argv.slice(1);
  const socket = require("dgram").createSocket("udp4");
  let answered = 0;
  const send = () => socket.send(Buffer.alloc(Number(size), 65 + (answered % 26)), 7, address);
  socket.on("message", (message) => {
    if (!message.equals(Buffer.alloc(Number(size), 65 + (answered % 26)))) throw new Error("changed");
    if (++answered < Number(count)) return send();
    console.log(answered);
    socket.close();
  });
  send();
`;

describeWith([root, program("ip", "iproute2"), program("ping", "iputils-ping")], "skiff run on a network", () => {
  const namespace = namespaceOfTests();
  beforeAll(() => {
    namespace.addTap("tap0", "10.0.0.1/24");
    namespace.addTap("tap1", "10.1.0.1/24");
  });
  const links = () =>
    namespace
      .ip("-o link show")
      .trim()
      .split("\n")
      .map((line) => line.split(": ")[1]);
  const running: Running[] = [];
  afterEach(async () => {
    for (const guest of running.splice(0)) {
      guest.kill("SIGKILL");
      await guest.ended;
    }
  });

  /** Starts a guest in the namespace; resolves with what it printed once it has said its last device. */
  async function startGuest(words: readonly string[], devices = 1): Promise<{ guest: Running; text: string }> {
    const guest = namespace.inside(() => skiff.start(["run", "--mem", "8", ...words]));
    running.push(guest);
    return { guest, text: await guest.printed(new RegExp(`(mtu \\d+\\n[^]*){${devices}}`)) };
  }
  const ping = (address: string, ...words: string[]) => {
    return namespace.run("ping", "-q", "-c", "3", "-i", "0.01", "-W", "5", ...words, address).stdout;
  };
  const udp = (address: string, count: number, size: number) =>
    namespace.run(process.execPath, "-e", UDP_PEER, address, String(count), String(size)).stdout;
  const runHere = (words: readonly string[], descriptors: readonly number[] = []): Ended =>
    namespace.inside(() => skiff.run(["run", ...words], descriptors));

  it("answers ping and UDP at the MAC that was given", async () => {
    const { text } = await startGuest(["--net", "service=tap0,mac=02:11:22:33:44:55", kitImagePath("net")]);
    expect(text).toBe("service: 10.0.0.2/24 at 02:11:22:33:44:55, mtu 1500\n");
    expect(ping("10.0.0.2")).toContain("3 packets transmitted, 3 received, 0% packet loss");
    expect(udp("10.0.0.2", 500, 1400)).toBe("500\n");
    expect(namespace.ip("neigh show dev tap0")).toContain("10.0.0.2 lladdr 02:11:22:33:44:55");
  });

  it("draws another MAC at each run, locally administered and no group's", async () => {
    const macs = [];
    for (let count = 0; count < 3; count++) {
      const { stdout } = runHere(["--net", "service=tap0", kitImagePath("net"), "--limit=0"]);
      macs.push(MAC.exec(stdout)?.[1] ?? "");
    }
    expect(new Set(macs).size).toBe(3);
    for (const mac of macs) expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
  });

  it.each([68, 1280, 1500, 9000, 65521])("tells the guest the tap's MTU of %i", async (mtu) => {
    namespace.ip(`link set tap0 mtu ${mtu}`);
    onTestFinished(() => void namespace.ip("link set tap0 mtu 1500"));
    const { text } = await startGuest(["--net", "service=tap0", kitImagePath("net")]);
    expect(MAC.exec(text)?.[2]).toBe(String(mtu));
    // The largest packet that goes through whole: 20 bytes of IPv4, 8 of ICMP.
    if (mtu >= 1280) expect(ping("10.0.0.2", "-M", "do", "-s", String(mtu - 28))).toContain(" 3 received");
  });

  it("serves two net devices, each on its own tap", async () => {
    const words = ["-n", "service1=tap1,mac=02:00:00:00:00:01", "-n", "service0=tap0,mac=02:00:00:00:00:00"];
    const { text } = await startGuest([...words, kitImagePath("net2")], 2);
    expect(text).toContain("service0: 10.0.0.2/24 at 02:00:00:00:00:00");
    expect(text).toContain("service1: 10.1.0.2/24 at 02:00:00:00:00:01");
    for (const address of ["10.0.0.2", "10.1.0.2"]) {
      expect(ping(address)).toContain(" 3 received");
      expect(udp(address, 50, 100)).toBe("50\n");
    }
    expect(namespace.ip("neigh show 10.1.0.2")).toContain("dev tap1 lladdr 02:00:00:00:00:01");
  });

  it("takes an inherited descriptor", async () => {
    const tap = namespace.inside(() => attachTun("tap0"));
    const guest = namespace.inside(() =>
      start(process.execPath, [skiff.command()[1], "run", "--net", "service=@3", kitImagePath("net")], {
        stdio: ["ignore", "pipe", "pipe", tap],
      }),
    );
    closeSync(tap);
    running.push(guest);
    await guest.printed(MAC);
    expect(ping("10.0.0.2")).toContain(" 3 received");
  });

  it("makes a tap that goes with the guest, however that ends", async () => {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const { guest } = await startGuest([
        "-n",
        "service=made0,host=10.2.0.1/30",
        kitImagePath("net"),
        "--ipv4=10.2.0.2/30",
      ]);
      expect(links()).toContain("made0");
      expect(ping("10.2.0.2")).toContain(" 3 received");
      guest.kill(signal);
      expect((await guest.ended).end).toBe(signal);
      expect(links()).not.toContain("made0");
    }
  });

  it("serves 63 devices", () => {
    const disks = Array.from({ length: 32 }, (_, index) => sparseFile(join(folder, `disk${index}`), 512 * (index + 1)));
    const two = (number: number) => String(number).padStart(2, "0");
    const taps = Array.from({ length: 31 }, (_, index) => `many${index}`);
    for (const tap of taps) namespace.addTap(tap);
    const words = [
      ...disks.flatMap((disk, index) => ["--block", `block${two(index)}=${disk}`]),
      ...taps.flatMap((tap, index) => ["--net", `net${two(index)}=${tap}`]),
    ];
    expect(runHere([...words, kitImagePath("devices63")])).toEqual({ end: 0, stdout: "devices63: ok\n", stderr: "" });
    for (const [index, disk] of disks.entries()) {
      expect([...new Set(readFileSync(disk).subarray(0, 512))]).toEqual([index + 1]);
    }
    const received = taps.map((tap) => /RX:.*\n\s+\d+\s+(\d+)/.exec(namespace.ip(`-s link show ${tap}`))?.[1]);
    expect(received).toEqual(taps.map(() => "1"));
    for (const tap of taps) namespace.ip(`link delete ${tap}`);
  });

  describe("refuses", () => {
    const net = kitImagePath("net");
    const service = (tap: string) => ["--net", `service=${tap}`, net];
    beforeAll(() => {
      namespace.ip("tuntap add down0 mode tap");
      namespace.ip("tuntap add other0 mode tap user 1");
      namespace.ip("link set other0 up");
      namespace.ip("tuntap add mine0 mode tap user 0");
      namespace.ip("link set mine0 up");
    });

    /** Runs by way of another program: one that takes rights away, or changes what `/dev` holds. */
    const runBy = (by: readonly string[], words: readonly string[]): Ended => {
      const [command = "", ...prefix] = by;
      return namespace.run(command, ...prefix, ...skiff.command(), "run", ...words);
    };
    const WITHOUT_NET_ADMIN = ["setpriv", "--bounding-set=-net_admin"];
    const inOwnMounts = (script: string) => ["unshare", "--mount", "sh", "-ec", `${script}; exec "$@"`, "sh"];

    it("taps that are absent, down or held by another guest, and leaves nothing", async () => {
      const before = links();
      expect(runHere(service("absent"))).toEqual(
        mistake(
          "--net service=absent: there is no such interface; have it made with absent,host=10.0.0.1/24, or make it with 'ip tuntap add absent mode tap && ip link set absent up'",
        ),
      );
      expect(runHere(service("down0"))).toEqual(
        mistake("--net service=down0: the interface is down; bring it up with 'ip link set down0 up'"),
      );
      await startGuest(service("tap0"));
      expect(runHere(service("tap0"))).toEqual(
        mistake("--net service=tap0: something is attached to that tap already; give each device a tap of its own"),
      );
      expect(links()).toEqual(before);
    });

    it("a new tap over an interface that exists, and leaves that as it was", () => {
      expect(runHere(service("tap1,host=10.9.0.1/24"))).toEqual(
        mistake("--net service=tap1: that interface exists already; leave host= out, or give the new tap another name"),
      );
      expect(namespace.ip("-o address show tap1")).toContain("10.1.0.1/24");
    });

    it("taps without the right to them, but not one's own", () => {
      const before = links();
      const noRight = (tap: string) =>
        mistake(
          `--net service=${tap}: no right to attach; run as root, or make the tap yours with 'ip tuntap add ${tap} mode tap user $USER'`,
        );
      expect(runBy(WITHOUT_NET_ADMIN, service("other0"))).toEqual(noRight("other0"));
      expect(runBy(WITHOUT_NET_ADMIN, ["--net", "service=made0,host=10.9.0.1/24", net])).toEqual(noRight("made0"));
      expect(runBy(WITHOUT_NET_ADMIN, [...service("mine0"), "--limit=0"]).end).toBe(0);
      expect(links()).toEqual(before);
    });

    it("taps where /dev/net/tun is closed to the user, or is not there", () => {
      const closed = inOwnMounts("mount -t tmpfs none /dev/net; mknod -m 000 /dev/net/tun c 10 200");
      expect(runBy([...closed, "setpriv", "--bounding-set=-dac_override"], service("tap0"))).toEqual(
        mistake(
          "--net service=tap0: this user may not open /dev/net/tun; run as root, or give everyone the right with 'chmod 666 /dev/net/tun'",
        ),
      );
      expect(runBy(inOwnMounts("mount -t tmpfs none /dev/net"), service("tap0"))).toEqual(
        mistake("--net service=tap0: this host has no /dev/net/tun; load it with 'modprobe tun'"),
      );
    });

    it("a MAC and an address that are none", () => {
      expect(runHere(service("tap0,mac=01:00:00:00:00:00"))).toEqual(
        mistake(
          "mac=01:00:00:00:00:00: that is no station's address; the first byte must be even, and not all zero, e.g. mac=02:00:00:00:00:01",
        ),
      );
      expect(runHere(service("tap0,host=10.0.0.1"))).toEqual(
        mistake("host=10.0.0.1: give the host's IPv4 address and its network's bits, e.g. host=10.0.0.1/24"),
      );
    });
  });
});
