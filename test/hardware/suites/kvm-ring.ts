import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { HYPERCALL } from "../../../src/abi/hvt.ts";
import { parseImage } from "../../../src/format/parse.ts";
import { RingThread } from "../../../src/monitor/ring/thread.ts";
import { BlockingRun } from "../../../src/monitor/run-blocking.ts";
import { runHostileGuest, STORAGE_BYTES } from "../../engine/kvm/hostile-guest.ts";
import { hvtImage, makeKvmGuest } from "../guest/kvm-guest.ts";
import { makeTap } from "../guest/tap.ts";

const ANSWERS = 4;
const FRAMES = 300;
const HOSTILE_CALLS = 5000;
const HOSTILE_RINGS = 5;
const SEED = 20240229;

function thread(): RingThread {
  const started = RingThread.start();
  assert.ok(started.waitUntilRunning(), "the thread of network rings does not run");
  return started;
}

/** Runs a guest on a tap by its ring, to its end; its frames must take no exit. */
function runByRing(name: string, args: readonly string[], tap: number): string {
  const device = { type: "net", index: 1, name: "service", descriptor: tap, mac: undefined } as const;
  const { machine, waitFor, offerRing, output } = makeKvmGuest(hvtImage(name), { args, devices: [device] });
  try {
    const record = offerRing(thread());
    const run = new BlockingRun(machine, waitFor);
    let stop = run.run();
    while (stop.type === "interrupted") stop = run.run();
    assert.deepEqual(stop, { type: "exit", status: 0 });
    const requests = record?.requests ?? 0;
    assert.deepEqual([machine.calls[HYPERCALL.netRead], machine.calls[HYPERCALL.netWrite]], [0, 0]);
    assert.ok(requests > 0);
    return output();
  } finally {
    machine.close();
  }
}

describe("the network ring on KVM", () => {
  it("sends frames without exits", () => {
    const tap = makeTap("ring0");
    try {
      const output = runByRing("frames", [`${FRAMES}`, "1514"], tap);
      assert.match(output, /^frames: sent=300 bytes=1514 /);
      // What the guest sends, the interface receives.
      assert.equal(readFileSync("/sys/class/net/ring0/statistics/rx_packets", "utf8"), `${FRAMES}\n`);
    } finally {
      closeSync(tap);
    }
  });

  it("answers ping without exits for frames", async () => {
    const tap = makeTap("ring1", "10.3.0.1/24");
    try {
      const ping = spawn("ping", ["-c", `${ANSWERS - 1}`, "-W", "20", "10.3.0.2"], { stdio: "ignore" });
      const ended = once(ping, "exit");
      // ARP's answer is one, too.
      assert.match(runByRing("net", ["--ipv4=10.3.0.2/24", `--limit=${ANSWERS}`], tap), /\nnet: answered 4\n$/);
      assert.deepEqual(await ended, [0, null]);
    } finally {
      closeSync(tap);
    }
  });
});

describe(`a hostile guest on KVM (seed ${SEED})`, () => {
  it("reaches nothing but its memory and its devices, by hypercalls and by its ring", () => {
    const path = "/tmp/hostile";
    writeFileSync(path, new Uint8Array(STORAGE_BYTES));
    const storage = openSync(path, "r+");
    const tap = makeTap("hostile", "10.4.0.1/24");
    const common = { image: parseImage(hvtImage("fuzz")), tap, storage: { path, descriptor: storage } };
    try {
      const { end, broken } = runHostileGuest({ ...common, seed: SEED, calls: HOSTILE_CALLS });
      assert.equal(end, "done");
      assert.ok(broken > HOSTILE_CALLS / 50, `${broken} calls were refused`);
      let requests = 0;
      for (let seed = SEED; seed < SEED + HOSTILE_RINGS; seed++) {
        requests += runHostileGuest({ ...common, seed, calls: HOSTILE_CALLS, thread: thread() }).requests;
      }
      assert.ok(requests > HOSTILE_RINGS, `${requests} requests were served`);
    } finally {
      closeSync(tap);
      closeSync(storage);
    }
  });
});
