/** What holds of machines in this process, whichever engine runs them. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, read, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, it, onTestFinished, vi } from "vitest";
import { type ExitStatus, Machine, type MachineOptions, parseImage, UsageError } from "../../src/index.ts";
import { HvtMachine } from "../../src/monitor/hvt-machine.ts";
import type { FaultCase } from "../engine/kvm/fault-cases.ts";
import { start } from "../support/command.ts";
import { kitImage, kitImagePath } from "../support/guest.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, type Need, program, root } from "../support/needs.ts";
import { ownDescriptors } from "../support/process-state.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";

export interface HostedEngineCase {
  readonly engine: "kvm" | "emulator";
  /** Folder of the kit's images that it runs. */
  readonly images: string;
  readonly needs: readonly Need[];
  readonly fault: FaultCase;
  /** MiB. */
  readonly memoryMax: number;
}

const FOREVER = ["1", "3600000000000"];
/** Iterations of a computation that nobody waits for. */
const ENDLESS = ["1000000000"];
const HELLO = "Hello from a unikernel.\n";
const ended = (status: number): ExitStatus => ({ status, signal: undefined });
const KILLED: ExitStatus = { status: undefined, signal: "SIGKILL" };

interface Record {
  readonly console: string;
  readonly diagnostic: string;
  readonly exit: ExitStatus;
}

async function recordOf(machine: Machine): Promise<Record> {
  let text = "";
  let diagnostic = "";
  let exit: ExitStatus | undefined;
  machine.on("console", (bytes) => {
    expect(exit).toBeUndefined();
    text += Buffer.from(bytes).toString("latin1");
  });
  machine.on("diagnostic", (line) => {
    diagnostic += line;
  });
  machine.on("exit", (status) => {
    exit = status;
  });
  machine.run();
  const resolved = await machine.exited;
  expect(exit).toEqual(resolved);
  return { console: text, diagnostic, exit: resolved };
}

type CreateOptions = Omit<MachineOptions, "image">;

/** Tests of machines on an engine. */
export function testHostedMachines({ engine, images, needs, fault, memoryMax }: HostedEngineCase): void {
  const folder = temporaryFolder();
  const image = (name: string) => parseImage(readFileSync(kitImagePath(name, "hvt", images)));
  const create = (name: string, options: CreateOptions = {}) =>
    Machine.create({ image: image(name), engine, memoryMib: 8, ...options });
  const run = (name: string, options?: CreateOptions) => recordOf(create(name, options));

  describeWith(needs, `a machine on the engine ${engine}`, () => {
    it("gives what the guest writes, and how it ended", async () => {
      const console = `${HELLO}Command line: over the  sea\n`;
      expect(await run("hello", { args: ["over", "the  sea"] })).toEqual({ console, diagnostic: "", exit: ended(0) });
      expect((await run("status", { args: ["77"] })).exit).toEqual(ended(77));
      const machine = create("hello");
      expect([machine.engine, machine.pid]).toEqual([engine, undefined]);
      await machine.stop();
    });

    it("says why a guest could not go on", async () => {
      const machine = Machine.create({ image: parseImage(fault.image), engine, memoryMib: 4 });
      const { diagnostic, exit } = await recordOf(machine);
      expect([diagnostic, exit]).toEqual([`the guest ${fault.says}\n`, ended(1)]);
    });

    it("gives all of a large output before its end", async () => {
      const { console: text, exit } = await run("output", { args: ["200000", "65536"] });
      expect([text.length, exit]).toEqual([200_000, ended(0)]);
      expect(text.slice(64 * 3000, 64 * 3000 + 12)).toBe("00000bb8....");
    });

    it("serves block devices", async () => {
      const file = sparseFile(join(folder, "storage"), 8192);
      const { console: text } = await run("block", { block: { storage: { file, blockBytes: 4096 } } });
      expect(text).toBe("block: capacity=8192 block_size=4096\nblock: ok\n");
    });

    it("waits with the guest as long as it says", async () => {
      const before = performance.now();
      const { exit } = await run("time", { args: ["4", "5000000"] });
      expect(exit).toEqual(ended(0));
      expect(performance.now() - before).toBeGreaterThanOrEqual(20);
    });

    it("is stopped wherever it is: before it runs, while it waits, while it computes, from a listener", async () => {
      const descriptors = ownDescriptors();
      const fresh = create("hello");
      expect(await fresh.stop()).toEqual(KILLED);
      expect(() => fresh.run()).toThrow(UsageError);
      for (const [name, args] of [
        ["time", FOREVER],
        ["prime", ENDLESS],
      ] as const) {
        const machine = create(name, { args });
        const record = recordOf(machine);
        await setImmediate();
        await setImmediate();
        expect(await machine.stop()).toEqual(KILLED);
        expect((await record).exit).toEqual(KILLED);
        expect(await machine.stop()).toEqual(KILLED);
      }
      const speaker = create("output", { args: ["100000000", "100"] });
      speaker.once("console", () => void speaker.stop());
      expect((await recordOf(speaker)).exit).toEqual(KILLED);
      const after = ownDescriptors();
      for (const [number, target] of after) {
        // What this thread's machines share stays.
        if (!descriptors.has(number)) expect(target).toMatch(/eventpoll|eventfd/);
      }
    });

    it("gives its memory back as it ends, whoever still holds the machine", async () => {
      const MEMORY_MIB = 192;
      const resident = () => process.memoryUsage.rss() / 2 ** 20;
      const before = resident();
      const held = [];
      for (let count = 0; count < 4; count++) {
        const machine = create("memory", { memoryMib: MEMORY_MIB });
        machine.once("console", () => expect(resident() - before).toBeGreaterThan(MEMORY_MIB / 2));
        expect((await recordOf(machine)).exit).toEqual(ended(0));
        held.push(machine);
      }
      expect(resident() - before).toBeLessThan(MEMORY_MIB);
    });

    it("closes its devices beside the event loop, which a tap would hold, before it tells of its end", async () => {
      const fifo = join(folder, "fifo");
      execFileSync("mkfifo", [fifo]);
      const held = openSync(fifo, "r+");
      // All of Node's own threads wait for a byte: what they are given to do waits, too.
      const threads = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4);
      const reads = Array.from({ length: threads }, () => promisify(read)(held, new Uint8Array(1), 0, 1, null));
      const file = sparseFile(join(folder, "held"), 4096);
      const isOpen = () => [...ownDescriptors().values()].includes(file);
      const machine = create("block", { block: { storage: { file } } });
      expect(isOpen()).toBe(true);
      let hasEnded = false;
      machine.on("exit", () => {
        hasEnded = true;
        expect(isOpen()).toBe(false);
      });
      const exited = machine.stop();
      for (let turn = 0; turn < 10; turn++) await setImmediate();
      expect([isOpen(), hasEnded]).toEqual([true, false]);
      writeSync(held, new Uint8Array(threads));
      await Promise.all(reads);
      expect(await exited).toEqual(KILLED);
      expect(hasEnded).toBe(true);
      closeSync(held);
    });

    it("runs once", async () => {
      const machine = create("hello");
      machine.run();
      expect(() => machine.run()).toThrow("a machine runs once");
      expect(await machine.exited).toEqual(ended(0));
      expect(await machine.stop()).toEqual(ended(0));
    });

    it("leaves the event loop to others, however many machines compute", async () => {
      const run = vi.spyOn(HvtMachine.prototype, "run");
      onTestFinished(() => run.mockRestore());
      const machines = Array.from({ length: 8 }, () => create("prime", { args: ENDLESS }));
      for (const machine of machines) machine.run();
      for (let round = 0; round < 40; round++) await setImmediate();
      await Promise.all(machines.map((machine) => machine.stop()));
      // No turn is longer than a round's four milliseconds, and a guest that never stops uses the whole of it: so the loop
      // was left between any two of them.
      const slicesNs = run.mock.calls.map(([sliceNs]) => sliceNs ?? Number.POSITIVE_INFINITY);
      expect(slicesNs.length).toBeGreaterThan(20);
      expect(Math.max(...slicesNs)).toBeLessThanOrEqual(4e6);
      expect(run.mock.results.every(({ value }) => value.type === "interrupted")).toBe(true);
      expect(new Set(run.mock.contexts).size).toBe(machines.length);
    });

    it("refuses what does not fit, and leaves nothing open", () => {
      const descriptors = ownDescriptors();
      expect(() => create("hello", { memoryMib: memoryMax + 1 })).toThrow(`${memoryMax} MiB at most`);
      expect(() => create("hello", { engine: "process" })).toThrow("--engine process");
      expect(() => Machine.create({ image: kitImage("hello"), engine })).toThrow(`--engine ${engine}`);
      expect(() => create("hello", { args: ["x".repeat(8192)] })).toThrow("8191 fit");
      const file = sparseFile(join(folder, "small"), 4096);
      expect(() => create("block", { block: { storage: { file } }, memoryMib: 1 })).toThrow("at least 2 MiB");
      expect(ownDescriptors()).toEqual(descriptors);
    });
  });

  describeWith([...needs, root, program("ping", "iputils-ping")], `256 idle network machines of ${engine}`, () => {
    const MACHINES = 256;
    const network = namespaceOfTests();
    const addresses = Array.from({ length: MACHINES }, (_, index) => ({
      tap: `vm${index}`,
      host: `10.${index}.0.1`,
      guest: `10.${index}.0.2`,
    }));

    it("all answer ping", async () => {
      const machines = network.inside(() =>
        addresses.map(({ tap, host, guest }) => {
          const address = Uint8Array.from(host.split("."), Number);
          const net = { service: { tap, host: { address, prefixBits: 24 } } };
          return create("net", { args: [`--ipv4=${guest}/24`], net });
        }),
      );
      try {
        for (const machine of machines) machine.run();
        // The host gives up on addresses whose guests do not answer ARP yet.
        const ask = 'for try in {1..30}; do ping -q -c 1 -W 2 "$0" >/dev/null && exit; done; echo "$0"';
        const script = `for address; do bash -c '${ask}' "$address" & done; wait`;
        const words = ["-c", script, "bash", ...addresses.map(({ guest }) => guest)];
        const { end, stdout } = await network.inside(() => start("bash", words)).ended;
        expect([end, stdout]).toEqual([0, ""]);
      } finally {
        await Promise.all(machines.map((machine) => machine.stop()));
      }
    });
  });
}
