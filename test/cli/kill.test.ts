import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Running, start } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { kvm, untilGuestWaits } from "../support/kvm.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, root } from "../support/needs.ts";
import { SEED, seededRandom } from "../support/random.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff } from "./bundled-skiff.ts";

const KILLS = 100;
const BLOCK_BYTES = 65536;

describeWith([kvm, root], "skiff run, killed", () => {
  const skiff = bundledSkiff();
  const network = namespaceOfTests();
  const folder = temporaryFolder();
  const temporary = join(folder, "tmp");
  const home = join(folder, "home");
  const storage = join(folder, "storage");

  const net = ["--net", "service=killed,host=10.0.0.1/24"];
  const block = ["--block", `storage=${storage}`];
  const two = ["--net", "service0=killed0,host=10.0.0.1/24", "--net", "service1=killed1,host=10.1.0.1/24"];
  const emulated = (name: string) => kitImagePath(name, "hvt", "aarch64");
  const emulator = ["--engine", "emulator"];
  /** Words of runs that would go on for long, and of two that end by themselves. */
  const runs = [
    ...["hvt", "spt"].map((abi) => [...net, kitImagePath("net", abi)]),
    ...["hvt", "spt"].map((abi) => [...two, kitImagePath("net2", abi)]),
    [...block, kitImagePath("block", "hvt")],
    [kitImagePath("prime", "hvt"), "1000000000"],
    [kitImagePath("time", "hvt"), "1", "3600000000000"],
    [...emulator, ...net, emulated("net")],
    [...emulator, ...two, emulated("net2")],
    [...emulator, ...block, emulated("block")],
    [...emulator, emulated("prime"), "1000000000"],
  ];

  /** In a session of its own, so that all it starts can be told from the rest. */
  function startRun(words: readonly string[]): Running {
    const [node, file] = skiff.command();
    return network.inside(() =>
      start(node, [file, "run", "--mem", "8", ...words], {
        detached: true,
        cwd: home,
        env: { TMPDIR: temporary, HOME: home, XDG_RUNTIME_DIR: temporary },
      }),
    );
  }

  const interfaces = () =>
    network
      .ip("-o link")
      .trim()
      .split("\n")
      .map((line) => line.split(": ")[1]);

  function expectNothingLeft(pid: number, what: string): void {
    expect(interfaces(), what).toEqual(["lo"]);
    expect([readdirSync(temporary), readdirSync(home)], what).toEqual([[], []]);
    expect(existsSync(`/proc/${pid}`), what).toBe(false);
    expect(() => process.kill(-pid, 0), what).toThrow("ESRCH");
  }

  it(`at ${KILLS} random moments leaves nothing behind (seed ${SEED})`, { timeout: 300_000 }, async () => {
    for (const path of [temporary, home]) mkdirSync(path);
    sparseFile(storage, BLOCK_BYTES);
    const random = seededRandom();
    const before = performance.now();
    const first = startRun(runs[0] ?? []);
    await untilGuestWaits(first.pid);
    const startMs = performance.now() - before;
    expect(interfaces()).toEqual(["lo", "killed"]);
    first.kill("SIGKILL");
    await first.ended;
    for (let index = 0; index < KILLS; index++) {
      const words = random.pick(runs);
      const delayMs = (random.integer(0, 1000) / 1000) * 1.5 * startMs;
      const guest = startRun(words);
      await setTimeout(delayMs);
      guest.kill("SIGKILL");
      // Its end comes once nobody has its standard output open any more.
      const { stderr } = await guest.ended;
      const what = `kill ${index} after ${delayMs.toFixed(1)} ms: ${words.join(" ")}`;
      expect(stderr, what).toMatch(/^(skiff: this host's KVM emulates .*\n)?$/);
      expectNothingLeft(guest.pid, what);
    }
    const last = startRun(runs[0] ?? []);
    await untilGuestWaits(last.pid);
    last.kill("SIGKILL");
    await last.ended;
    expectNothingLeft(last.pid, "the last one");
    expect(readFileSync(storage).length).toBe(BLOCK_BYTES);
  });
});
