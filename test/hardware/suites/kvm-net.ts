import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { run } from "../guest/kit-guest.ts";
import { hvtImage, hvtImagePath, runKvmGuest } from "../guest/kvm-guest.ts";
import { makeLastingTap, makeTap, removeTap } from "../guest/tap.ts";

const ECHO_PORT = 7;
const START_LIMIT_MS = 60_000;
const SKIFF = "/skiff/dist/skiff.cjs";

/** Starts `skiff run` on taps that stay, waits until its guest has told of them, and ends it once `use` is done. */
async function withGuest(
  taps: Readonly<Record<string, string>>,
  words: readonly string[],
  use: (guest: ChildProcess) => Promise<void>,
): Promise<void> {
  for (const [tap, address] of Object.entries(taps)) makeLastingTap(tap, address);
  const guest = spawn(process.execPath, [SKIFF, "run", "--mem", "8", ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(guest, "exit");
  try {
    let text = "";
    // Each device takes a line, which ends with its MTU.
    while (text.split(" mtu ").length <= Object.keys(taps).length) {
      const [bytes] = await once(guest.stdout, "data", { signal: AbortSignal.timeout(START_LIMIT_MS) });
      text += bytes;
    }
    await use(guest);
  } finally {
    guest.kill("SIGKILL");
    await ended;
    for (const tap of Object.keys(taps)) removeTap(tap);
  }
}

/** The host gives up on an address that does not answer ARP yet: asks until the guest has come up. */
function untilAnswering(address: string): void {
  for (let tries = 0; tries < 30; tries++) {
    if (run("ping", ["-q", "-c", "1", "-W", "2", address]).end === 0) return;
  }
  throw new Error(`${address} does not answer`);
}

async function echo(address: string, text: string): Promise<string> {
  const socket = createSocket("udp4");
  try {
    socket.send(text, ECHO_PORT, address);
    const [answer] = await once(socket, "message", { signal: AbortSignal.timeout(20_000) });
    return answer.toString();
  } finally {
    socket.close();
  }
}

describe("net devices on KVM", () => {
  it("answer ARP with their MAC, ping and UDP", async () => {
    const net = "service=net0,mac=02:00:00:00:00:42";
    await withGuest({ net0: "10.0.0.1/24" }, ["--net", net, hvtImagePath("net")], async () => {
      untilAnswering("10.0.0.2");
      const { end, stdout } = run("ping", ["-c", "3", "-W", "20", "10.0.0.2"]);
      assert.equal(end, 0, stdout);
      assert.match(stdout, /3 packets transmitted, 3 packets received/);
      assert.match(readFileSync("/proc/net/arp", "utf8"), /^10\.0\.0\.2 .* 02:00:00:00:00:42 /m);
      for (const text of ["", "a datagram", "x".repeat(1472)]) assert.equal(await echo("10.0.0.2", text), text);
    });
  });

  it("come in pairs, and end with the guest", async () => {
    const taps = { net0: "10.0.0.1/24", net1: "10.1.0.1/24" };
    const words = ["--net", "service0=net0", "--net", "service1=net1", hvtImagePath("net2")];
    await withGuest(taps, words, async () => {
      for (const address of ["10.0.0.2", "10.1.0.2"]) {
        untilAnswering(address);
        assert.equal(await echo(address, address), address);
      }
    });
  });
});

describe("63 devices on KVM", () => {
  const BLOCKS = 32;
  const NETS = 31;
  const CAPACITY = 4096;

  it("are all attached, each to its own", () => {
    const files = Array.from({ length: BLOCKS }, (_, number) => `/tmp/block${number}`);
    for (const file of files) writeFileSync(file, Buffer.alloc(CAPACITY));
    const taps = Array.from({ length: NETS }, (_, number) => `many${number}`);
    const blocks = files.map((file, number) => ({
      type: "block" as const,
      index: number + 1,
      name: `block${number}`,
      descriptor: openSync(file, "r+"),
      capacityBytes: CAPACITY,
      blockBytes: 512,
    }));
    const nets = taps.map((tap, number) => ({
      type: "net" as const,
      index: BLOCKS + number + 1,
      name: tap,
      descriptor: makeTap(tap),
      mac: undefined,
    }));
    const devices = [...blocks, ...nets];
    try {
      assert.deepEqual(runKvmGuest(hvtImage("devices63"), { devices }), { end: 0, output: "devices63: ok\n" });
      for (const [number, file] of files.entries()) {
        const expected = Buffer.concat([Buffer.alloc(512, number + 1), Buffer.alloc(CAPACITY - 512)]);
        assert.deepEqual(readFileSync(file), expected, file);
      }
      for (const tap of taps) {
        // What the guest sends, the interface receives.
        assert.equal(readFileSync(`/sys/class/net/${tap}/statistics/rx_packets`, "utf8"), "1\n", tap);
      }
    } finally {
      for (const { descriptor } of devices) closeSync(descriptor);
    }
  });
});
