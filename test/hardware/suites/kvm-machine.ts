import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { AARCH64_FAULTS, X86_64_FAULTS } from "../../engine/kvm/fault-cases.ts";
import { hvtImage, runKvmGuest } from "../guest/kvm-guest.ts";
import { thisHost } from "../guest/this-host.ts";

const MIB = 2 ** 20;
const isArm = thisHost().imageArchitecture === "aarch64";

describe("guests on KVM", () => {
  it("say hello with their command line", () => {
    const output = "Hello from a unikernel.\nCommand line: over the wire\n";
    assert.deepEqual(runKvmGuest(hvtImage("hello"), { args: ["over", "the", "wire"] }), { end: 0, output });
  });

  it("end with their own status", () => {
    for (const end of [0, 1, 127, 255]) assert.equal(runKvmGuest(hvtImage("status"), { args: [`${end}`] }).end, end);
    assert.equal(runKvmGuest(hvtImage("status"), { args: ["abort"] }).end, 255);
  });

  it("see both clocks go, and wait until a deadline", () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    const start = performance.now();
    const { end, output } = runKvmGuest(hvtImage("time"), { args: ["5", "20000000"] });
    const elapsedNs = (performance.now() - start) * 1e6;
    assert.equal(end, 0, output);
    const wall = BigInt(/wall_ns=(\d+)/.exec(output)?.[1] ?? 0);
    assert.ok(before <= wall && wall <= BigInt(Date.now() + 1) * 1_000_000n, output);
    // The guest's own clock, by the frequency that it was told, against the host's.
    const waited = Number(/waited_ns=(\d+)/.exec(output)?.[1]);
    assert.ok(waited >= 5 * 20e6 && waited < elapsedNs, `${waited} of ${elapsedNs}`);
  });

  it("own all of their memory", () => {
    for (const memoryMib of [2, 3, 512, 4096]) {
      const { end, output } = runKvmGuest(hvtImage("memory"), { memoryMib, args: [`${32 * MIB}`] });
      assert.equal(end, 0, output);
      assert.ok(output.includes(` end=0x${(memoryMib * MIB).toString(16)} `), output);
    }
  });

  it("have variables for each thread", () => {
    assert.deepEqual(runKvmGuest(hvtImage("tls")), { end: 0, output: "tls: ok\n" });
  });

  it("compute what other hosts compute, with floating point", () => {
    for (const [name, args, expected] of [
      ["prime", ["2"], "checksum=0000000000000998"],
      ["sha256", ["2"], "checksum=becd64d936536724"],
      ["chase", ["4096"], "checksum=efa67c0d7c37e4b4"],
      ["fpu", [], "pi=400921f0d7e9688c lanes=260b1ea9850477aa0433a3eb6779ac6c"],
    ] as const) {
      const { end, output } = runKvmGuest(hvtImage(name), { args, memoryMib: 32 });
      assert.equal(end, 0, `${name}: ${output}`);
      assert.ok(output.includes(expected), output);
    }
    const { output } = runKvmGuest(hvtImage("sha256"), { args: ["--text=skiff"] });
    assert.ok(output.includes(createHash("sha256").update("skiff").digest("hex")), output);
  });
});

describe("exits of KVM", () => {
  it("take a time, which is shown", (test) => {
    const { end, output } = runKvmGuest(hvtImage("transitions"), { args: ["3000"] });
    assert.equal(end, 0, output);
    for (const [call, what] of [
      ["clock_wall", "a hypercall that reads the clock"],
      ["yield", "a hypercall that waits for nothing"],
    ] as const) {
      const [, ns] = new RegExp(` call=${call} .*ns_per_call=([0-9.]+)`).exec(output) ?? [];
      assert.ok(Number(ns) > 0, output);
      test.diagnostic(`${what} takes ${(Number(ns) / 1000).toFixed(1)} us in this emulated host`);
    }
  });
});

describe("protections of memory on KVM", () => {
  it("reach the guest as the architecture's fault", () => {
    const probes = runKvmGuest(hvtImage("protection")).output.trim().split("\n");
    assert.ok(probes.length >= 14, probes.join(" "));
    for (const probe of probes) {
      const { end, output } = runKvmGuest(hvtImage("protection"), { args: [probe] });
      assert.equal(end, 255, `${probe}: ${end}`);
      assert.match(output, probe === "stack-smash" ? /\nabort: stack smashed\n$/ : /^protection: .*\ntrap: .*\n$/);
    }
  });

  for (const { name, image, says } of isArm ? AARCH64_FAULTS : X86_64_FAULTS) {
    it(`are told of with address, access and place where the guest has no handler: ${name}`, () => {
      const { end, output } = runKvmGuest(image);
      assert.ok(typeof end === "string" && end.startsWith(says), `${end}, expected ${says}`);
      assert.equal(output, "");
    });
  }
});

describe("block devices on KVM", () => {
  const CAPACITY = 65536;

  for (const blockBytes of [512, 4096]) {
    it(`keep what is written, in blocks of ${blockBytes} bytes`, () => {
      writeFileSync("/tmp/storage", Buffer.alloc(CAPACITY));
      const descriptor = openSync("/tmp/storage", "r+");
      const device = {
        type: "block",
        index: 1,
        name: "storage",
        descriptor,
        capacityBytes: CAPACITY,
        blockBytes,
      } as const;
      const { end, output } = runKvmGuest(hvtImage("block"), { devices: [device] });
      closeSync(descriptor);
      assert.equal(output, `block: capacity=${CAPACITY} block_size=${blockBytes}\nblock: ok\n`);
      assert.equal(end, 0);
      assert.notDeepEqual(readFileSync("/tmp/storage").subarray(-blockBytes), Buffer.alloc(blockBytes));
    });
  }
});
