import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { LostThreadError, Machine } from "../../src/index.ts";
import { readImageFile } from "../../src/monitor/image-file.ts";
import { bundledSkiff } from "../cli/bundled-skiff.ts";
import { start } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { kvm } from "../support/kvm.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, root } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** In front of the thread's program: it ends once it is given a ring. */
const endingBy = (statement: string) => `{
  const threads = require("node:worker_threads");
  const receive = threads.receiveMessageOnPort;
  threads.receiveMessageOnPort = (port) => {
    const received = receive(port);
    if (received?.message.type === "add") ${statement};
    return received;
  };
}
`;
const THROWS = endingBy('throw new Error("as the test wants")');
/** Nothing of the program's runs any more then, not even what catches errors. */
const VANISHES = endingBy("process.exit(3)");

vi.mock("node:worker_threads", async (original) => {
  const threads = await original<typeof import("node:worker_threads")>();
  class EndingWorker extends threads.Worker {
    constructor(program: string, options: import("node:worker_threads").WorkerOptions) {
      super(VANISHES + program, options);
    }
  }
  return { ...threads, Worker: EndingWorker };
});

describeWith([kvm, root], "a network ring whose thread ends", () => {
  const network = namespaceOfTests();
  const skiff = bundledSkiff();
  const folder = temporaryFolder();
  const hook = (name: string) => join(folder, `${name}.cjs`);

  beforeAll(() => {
    for (const [name, program] of Object.entries({ THROWS, VANISHES })) {
      const wrapped = `const threads = require("node:worker_threads");
        const { Worker } = threads;
        threads.Worker = class extends Worker {
          constructor(program, options) { super(${JSON.stringify(program)} + program, options); }
        };`;
      writeFileSync(hook(name), wrapped);
    }
  });

  describe.each([
    ["THROWS", "as the test wants"],
    ["VANISHES", "exit status 3"],
  ])("%s", (name, reason) => {
    it("ends skiff run with one line", async () => {
      const [node, file] = skiff.command();
      const net = `service=lost${name.toLowerCase().slice(0, 6)},host=10.0.0.1/24`;
      const words = ["--require", hook(name), file, "run", "--mem", "8", "--net", net];
      const guest = network.inside(() => start(node, [...words, kitImagePath("frames", "hvt"), "1000000"]));
      const { end, stderr } = await guest.ended;
      const line = `skiff: the thread of the network rings has ended: ${reason}; start the guest again\n`;
      expect([end, stderr.replace(/^skiff: this host's KVM emulates.*\n/m, "")]).toEqual([1, line]);
    });
  });

  it("rejects what waits for the machine's end, of guests that run and of guests that wait; the next has no ring", async () => {
    const make = (tap: string, image: string, args: readonly string[], third: number) =>
      network.inside(() =>
        Machine.start({
          image: readImageFile(kitImagePath(image, "hvt")),
          memoryMib: 8,
          args,
          net: { service: { tap, host: { address: Uint8Array.of(10, 1, third, 1), prefixBits: 24 } } },
        }),
      );
    const lost = [make("lost0", "frames", ["1000000"], 0), make("lost1", "net", [], 1)];
    for (const machine of lost) {
      const error: unknown = await machine.exited.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LostThreadError);
      expect(String(error)).toContain("has ended: exit status 3; start the guest again");
    }
    expect(await make("lost2", "frames", ["10"], 2).exited).toEqual({ status: 0, signal: undefined });
  });
});
