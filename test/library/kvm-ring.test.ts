import { once } from "node:events";
import { closeSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { HYPERCALL } from "../../src/abi/hvt.ts";
import { createTap } from "../../src/host/tap.ffi.ts";
import { Machine, parseImage } from "../../src/index.ts";
import { commandLine } from "../../src/monitor/hvt-machine.ts";
import { readImageFile } from "../../src/monitor/image-file.ts";
import { makeKvmMachine } from "../../src/monitor/kvm-machine.ts";
import { RingThread } from "../../src/monitor/ring/thread.ts";
import { BlockingRun } from "../../src/monitor/run-blocking.ts";
import { bundledSkiff } from "../cli/bundled-skiff.ts";
import { ringBreaker } from "../engine/kvm/fault-cases.ts";
import { start } from "../support/command.ts";
import { hostArchitecture, kitImagePath } from "../support/guest.ts";
import { kvm } from "../support/kvm.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { ownDescriptors } from "../support/process-state.ts";
import { temporaryFolder } from "../support/temporary.ts";

const PINGS = 20;

describeWith([kvm, root, program("ping", "iputils-ping")], "the network ring", () => {
  const network = namespaceOfTests();
  const skiff = bundledSkiff();
  const folder = temporaryFolder();

  it("carries all frames of skiff run, without exits for them", async () => {
    // ARP's answer is one, too.
    const words = ["--mem", "8", "--net", "service=ring0,host=10.0.0.1/24", kitImagePath("net", "hvt")];
    const guest = network.inside(() => skiff.start(["run", "-v", ...words, `--limit=${PINGS + 1}`]));
    await guest.printed(/mtu 1500\n/);
    const { end, stdout } = network.run("ping", "-q", "-i", "0.01", "-c", String(PINGS), "-s", "1400", "10.0.0.2");
    expect([end, stdout]).toEqual([0, expect.stringContaining(`${PINGS} received`)]);
    const { stderr } = await guest.ended;
    const [line = ""] = /\d+ hypercalls: .*/.exec(stderr) ?? [];
    expect(line).not.toMatch(/netRead|netWrite/);
    const [, requests] = /; (\d+) requests in the network ring, \d+ rings of its doorbell$/.exec(line) ?? [];
    expect(Number(requests), stderr).toBeGreaterThanOrEqual(2 * PINGS);
  });

  it("ends a guest that breaks it and computes on, in the middle of that", async () => {
    const { image, says } = ringBreaker(hostArchitecture === "aarch64");
    const path = join(folder, "breaker.hvt");
    writeFileSync(path, image);
    const words = ["--mem", "4", "--net", "service=ring1,host=10.9.0.1/24", path];
    const guest = network.inside(() => skiff.start(["run", ...words]));
    const { end, stderr } = await guest.ended;
    expect([end, stderr]).toEqual([1, expect.stringContaining(`skiff: the guest ${says}\n`)]);
    const net = { service: { tap: "ring2", host: { address: Uint8Array.of(10, 9, 1, 1), prefixBits: 24 } } };
    const machine = network.inside(() => Machine.create({ image: parseImage(image), memoryMib: 4, net }));
    const told = once(machine, "diagnostic");
    machine.run();
    expect([await told, await machine.exited]).toEqual([[`the guest ${says}\n`], { status: 1, signal: undefined }]);
  });

  it("is not there where nobody serves it: frames take exits then", async () => {
    const tap = network.inside(() => createTap("ring3", { address: Uint8Array.of(10, 8, 0, 1), prefixBits: 24 }));
    if ("refusal" in tap) throw new Error(tap.refusal);
    const device = { type: "net", index: 1, name: "service", descriptor: tap.descriptor, mac: undefined } as const;
    const { machine, waitFor } = network.inside(() =>
      makeKvmMachine({
        image: readImageFile(kitImagePath("net", "hvt")),
        memoryMib: 8,
        commandLine: commandLine(["--ipv4=10.8.0.2/24", "--limit=3"]),
        devices: [device],
        console: { write: () => undefined },
      }),
    );
    const ping = network.inside(() => start("ping", ["-q", "-c", "2", "-i", "0.01", "-W", "20", "10.8.0.2"]));
    const run = new BlockingRun(machine, waitFor);
    let stop = run.run();
    while (stop.type === "interrupted") stop = run.run();
    const { calls } = machine;
    machine.close();
    closeSync(tap.descriptor);
    expect([stop, calls[HYPERCALL.netWrite]]).toEqual([{ type: "exit", status: 0 }, 3]);
    expect((await ping.ended).end).toBe(0);
  });

  it("serves many machines by one thread, which outlives them and leaks nothing", async () => {
    const thread = RingThread.start();
    await thread.settled;
    // Node begins its own threads for files as it has so many files to close at a time.
    await Promise.all(Array.from({ length: 64 }, () => readFile("/proc/self/stat")));
    const descriptors = ownDescriptors();
    // KVM has one of its own for each machine.
    const isNodes = (id: string) => !readFileSync(`/proc/self/task/${id}/comm`, "latin1").startsWith("kvm-");
    const threads = () => readdirSync("/proc/self/task").filter(isNodes).length;
    const threadsBefore = threads();
    for (let round = 0; round < 3; round++) {
      const machines = network.inside(() =>
        Array.from({ length: 4 }, (_, index) =>
          Machine.start({
            image: readImageFile(kitImagePath("net", "hvt")),
            memoryMib: 8,
            args: [`--ipv4=10.${index + 1}.0.2/24`],
            net: {
              service: { tap: `many${index}`, host: { address: Uint8Array.of(10, index + 1, 0, 1), prefixBits: 24 } },
            },
          }),
        ),
      );
      const pings = machines.map((_, index) =>
        network.inside(() => start("ping", ["-q", "-i", "0.01", "-c", "10", "-W", "20", `10.${index + 1}.0.2`])),
      );
      for (const ping of pings) expect((await ping.ended).end).toBe(0);
      expect(threads()).toBeLessThanOrEqual(threadsBefore);
      await Promise.all(machines.map((machine) => machine.stop()));
    }
    expect(thread.isRunning).toBe(true);
    for (const [number, target] of ownDescriptors()) {
      if (!descriptors.has(number)) expect(target).toMatch(/eventpoll|eventfd/);
    }
  });
});
