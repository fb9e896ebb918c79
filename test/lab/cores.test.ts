import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import {
  allowedCores,
  type CoreTopology,
  checkCores,
  parseCoreList,
  planCores,
  readTopology,
} from "../../src/lab/cores.ts";

/** Cores of one thread each, or of two where the second one's number is that much higher. */
function topology(cores: number, secondThreadAt?: number): CoreTopology[] {
  return Array.from({ length: cores }, (_, core) => core).flatMap((core) => {
    const siblings = secondThreadAt === undefined ? [core] : [core, core + secondThreadAt];
    return siblings.map((cpu) => ({ cpu, siblings }));
  });
}

describe("the division of processors", () => {
  it("needs two cores", () => {
    expect(planCores(topology(1))).toBeUndefined();
    expect(planCores(topology(1, 1))).toBeUndefined();
    expect(planCores([])).toBeUndefined();
  });

  it("gives the upper half to the servers", () => {
    expect(planCores(topology(2))).toEqual({ clients: [0], servers: [1] });
    expect(planCores(topology(3))).toEqual({ clients: [0], servers: [1, 2] });
    expect(planCores(topology(4))).toEqual({ clients: [0, 1], servers: [2, 3] });
  });

  it("keeps the threads of a core together, and first threads first", () => {
    expect(planCores(topology(4, 4))).toEqual({ clients: [0, 1, 4, 5], servers: [2, 3, 6, 7] });
  });

  it("leaves out threads on which this process may not run", () => {
    const allowed = topology(3, 3).filter(({ cpu }) => cpu !== 5);
    expect(planCores(allowed)).toEqual({ clients: [0, 3], servers: [1, 2, 4] });
  });

  it("holds on this machine: nothing is given twice", () => {
    const plan = planCores(readTopology());
    const given = [...(plan?.servers ?? []), ...(plan?.clients ?? [])];
    expect(new Set(given).size).toBe(given.length);
  });
});

it("reads lists of processors", () => {
  expect(parseCoreList("0-2,5\n")).toEqual([0, 1, 2, 5]);
  expect(parseCoreList("7")).toEqual([7]);
  expect(parseCoreList("")).toEqual([]);
  expect(allowedCores("Name:\tx\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n")).toEqual([0, 1]);
});

it("finds a process that may run elsewhere, and none that has ended", async () => {
  const child = spawn("sleep", ["1000"]);
  try {
    const pid = child.pid ?? 0;
    const [first = 0, ...others] = readTopology().map(({ cpu }) => cpu);
    expect(checkCores([pid], [first, ...others])).toBeUndefined();
    expect(checkCores([pid], [])?.reason).toContain(`(process ${pid}) may run on processor ${first}`);
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  expect(checkCores([child.pid ?? 0], [])).toBeUndefined();
});
