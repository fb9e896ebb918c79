import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../../src/host/probe/manifest.ts";
import { hierarchies } from "../../../src/lab/container/control-group.ts";
import { checkCores } from "../../../src/lab/cores.ts";
import type { Instance } from "../../../src/lab/instance/instance.ts";
import { findGuestKernel } from "../../../src/lab/linux-guest/kernel.ts";
import { type MadeWorkbench, makeWorkbench } from "../../../src/lab/make-workbench.ts";
import type { Link, NetworkPath } from "../../../src/lab/network.ts";
import type { KitProgram } from "../../../src/lab/program.ts";
import type { Available, Launcher, Security, Target } from "../../../src/lab/target/target.ts";
import type { Workbench } from "../../../src/lab/workbench.ts";
import { run } from "../../support/command.ts";
import type { Need } from "../../support/needs.ts";

const LIMIT_MS = 50_000;
const ASK_AGAIN_MS = 20;
/** Any of them does; together they meet most steps of a start. */
const STOPPED_AFTER_MS = [0, 1, 2, 4, 6, 9, 13, 18, 25, 35];

/** A target that was found, on a workbench which goes with the tests of the file. */
export interface Trial {
  readonly bench: () => Workbench;
  readonly found: () => Available;
  /** Runs a program to its end and gives its output; nothing of it is left. */
  readonly runs: (program: KitProgram) => Promise<string>;
  /** Starts a program, hands it over while it runs, and stops it. */
  readonly during: <Result>(program: KitProgram, path: NetworkPath | undefined, look: Look<Result>) => Promise<Result>;
}

type Look<Result> = (instance: Instance, link: Link | undefined, launcher: Launcher) => Promise<Result>;

export function trialOf(target: Target): Trial {
  let made: MadeWorkbench | undefined;
  let available: Available | undefined;
  beforeAll(async () => {
    made = makeWorkbench(await probeHost(await loadProbeLibc()), "0.0.0");
    const probed = await target.probe(made.bench);
    if (!probed.available) throw new Error(`${target.name}: ${probed.reason}`);
    available = probed;
  });
  afterAll(async () => made?.close());
  const bench = () => made?.bench ?? absent();
  const found = () => available ?? absent();
  const during: Trial["during"] = async (program, path, look) => {
    const launcher = await found().prepare(program, path, bench());
    const link = path === undefined ? undefined : bench().network?.connect(path);
    const instance = await launcher.start({
      cores: bench().cores.servers,
      ...(link === undefined ? {} : { link }),
    });
    try {
      return await look(instance, link, launcher);
    } finally {
      await instance.stop();
      if (link !== undefined) bench().network?.disconnect(link);
      await launcher.close();
    }
  };
  const runs: Trial["runs"] = (program) =>
    during(program, undefined, async (instance) => {
      const { exit } = await instance.exited(LIMIT_MS);
      expect(exit, instance.output()).toEqual({ status: 0 });
      return instance.output();
    });
  return { bench, found, runs, during };
}

function absent(): never {
  throw new Error("the target was not found");
}

const PRIME: KitProgram = { kind: "kit", name: "prime", args: ["3"], memoryMib: 16 };
/** Longer than any test. */
const ENDLESS_PRIME: KitProgram = { ...PRIME, args: ["100000000"] };
const PORT = 80;
const HTTPD: KitProgram = { kind: "kit", name: "httpd", args: [`--port=${PORT}`], memoryMib: 64, port: PORT };

/** What every target has to do with a program that ends by itself, and with one that does not. */
export function testBatch({ bench, found, runs, during }: Trial): void {
  test("runs a program to its end", async () => {
    expect(await runs(PRIME)).toMatch(/^prime: iterations=3 checksum=\S+ ns=\d+/m);
  });

  test("ends a program that does not end, and leaves no process and no mount", async () => {
    const before = traces();
    const pids = await during(ENDLESS_PRIME, undefined, async (instance) => {
      await expect(instance.exited(300)).rejects.toThrow("did not end");
      return instance.pids();
    });
    expect(pids.length).toBeGreaterThan(0);
    expect(pids.filter(isThere)).toEqual([]);
    expect(traces()).toEqual(before);
  });

  test("leaves nothing where it is stopped at any moment of its start", async () => {
    const before = traces();
    for (const waitMs of STOPPED_AFTER_MS) {
      const pids = await during(ENDLESS_PRIME, undefined, async (instance) => {
        await setTimeout(waitMs);
        return instance.pids();
      });
      expect(pids.filter(isThere)).toEqual([]);
    }
    expect(traces()).toEqual(before);
  });

  test("stays on the cores that it was given", async () => {
    const stray = await during(ENDLESS_PRIME, undefined, async (instance) => {
      await until(instance, () => isBusy(instance));
      return checkCores(instance.pids(), bench().cores.servers);
    });
    expect(stray).toBeUndefined();
  });

  test("tells its version, and the size of what a start reads", async () => {
    expect(found().version).toMatch(/\d+\.\d+|\d{8}/);
    const size = await during(PRIME, undefined, async (instance, _link, { imageBytes }) => {
      await instance.exited(LIMIT_MS);
      return imageBytes;
    });
    expect(size).toBeGreaterThan(1000);
  });
}

/** Looks at the security column of a program that runs. */
export function securityOf({ found, during }: Trial): Promise<Security> {
  return during(ENDLESS_PRIME, undefined, async (instance) => {
    await until(instance, () => isBusy(instance));
    return found().security(instance);
  });
}

/** What a target has to do with a server. */
export function testServer({ bench, during }: Trial, path: NetworkPath): void {
  test(`serves a client over the path ${path}`, async () => {
    const before = traces();
    const answer = await during(HTTPD, path, async (instance, link) => ask(bench(), instance, link));
    expect(answer).toMatch(/^HTTP\/1\.1 \d{3} /);
    expect(traces()).toEqual(before);
  });
}

/** By a program: this process' own sockets are made after it has left the namespace. */
async function ask({ network }: Workbench, instance: Instance, link: Link | undefined): Promise<string> {
  if (network === undefined || link === undefined) throw new Error("the lab has no network here");
  const url = `http://${link.serverAddress}:${PORT}/`;
  let answer = "";
  await until(instance, () => {
    const asked = network.client.inside(() => run("curl", ["--silent", "--include", "--max-time", "10", url]));
    answer = asked.stdout;
    return asked.end === 0;
  });
  return answer;
}

/** Mounts, control groups and zombies: what an instance could leave behind beside processes that run. */
function traces(): readonly string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    // Other tests' network namespaces come and go at the same time.
    .filter((line) => line.includes("skiff") && !line.includes("/run/netns/skiff-test-"));
  const groups = hierarchies().flatMap((path) =>
    readdirSync(path).filter((name) => name.startsWith(`skiff-${process.pid}-`)),
  );
  const zombies = childrenOf(process.pid).filter((pid) => readStat(pid)?.[0] === "Z");
  return [...mounts, ...groups, ...zombies.map((pid) => `zombie ${pid}`)];
}

function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && Number(readStat(pid)?.[1]) === parent);
}

function isThere(pid: number): boolean {
  return readStat(pid) !== undefined;
}

/** Whether the workload itself runs: the last process of the tree computes. */
function isBusy(instance: Instance): boolean {
  // The last process is the workload, once it has computed more than any launcher does before it becomes it.
  const stat = readStat(instance.pids().at(-1) ?? -1);
  return Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0) > 50;
}

/** Fields of /proc/PID/stat from the state on (proc(5)). */
function readStat(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

async function until(instance: Instance, condition: () => boolean): Promise<void> {
  const endMs = Date.now() + LIMIT_MS;
  while (!condition()) {
    const ended = await instance.exited(ASK_AGAIN_MS).catch(() => undefined);
    if (ended !== undefined || Date.now() > endMs) throw new Error(`it never came to run: ${instance.output()}`);
  }
}

/** A kernel that guests can run. */
export const guestKernel: Need = {
  lack: () =>
    findGuestKernel() === undefined ? "a kernel for guests: apt-get install linux-image-cloud-amd64" : undefined,
};
