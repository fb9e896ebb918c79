import { expect, it } from "vitest";
import { Machine } from "../../src/index.ts";
import { readImageFile } from "../../src/monitor/image-file.ts";
import { RingThread } from "../../src/monitor/ring/thread.ts";
import { bundledSkiff } from "../cli/bundled-skiff.ts";
import { start } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { kvm } from "../support/kvm.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { ownDescriptors } from "../support/process-state.ts";

const PINGS = 20;

describeWith([kvm, root, program("ping", "iputils-ping")], "the network ring", () => {
  const network = namespaceOfTests();
  const skiff = bundledSkiff();

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

  it("serves many machines by one thread, which outlives them and leaks nothing", async () => {
    const thread = RingThread.start();
    await thread.settled;
    const descriptors = ownDescriptors();
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
      await Promise.all(machines.map((machine) => machine.stop()));
    }
    expect(thread.isRunning).toBe(true);
    for (const [number, target] of ownDescriptors()) {
      if (!descriptors.has(number)) expect(target).toMatch(/eventpoll|eventfd/);
    }
  });
});
