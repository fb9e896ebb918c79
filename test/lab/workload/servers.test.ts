import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../../src/host/probe/manifest.ts";
import { type MadeWorkbench, makeWorkbench } from "../../../src/lab/make-workbench.ts";
import { candidates, makeReady } from "../../../src/lab/survey.ts";
import { type Taken, takeSample } from "../../../src/lab/take-sample.ts";
import { BUBBLEWRAP } from "../../../src/lab/target/bubblewrap.ts";
import { NATIVE, NATIVE_TAP, NATIVE_VETH } from "../../../src/lab/target/native.ts";
import { RUNC } from "../../../src/lab/target/runc.ts";
import { SKIFF_PROCESS } from "../../../src/lab/target/skiff-process.ts";
import { SYSTEMD_NSPAWN } from "../../../src/lab/target/systemd-nspawn.ts";
import type { Target } from "../../../src/lab/target/target.ts";
import { KV, kvServer } from "../../../src/lab/workload/kv.ts";
import { KV_REDIS_BENCHMARK } from "../../../src/lab/workload/kv-redis-benchmark.ts";
import { NGINX } from "../../../src/lab/workload/nginx.ts";
import { REDIS } from "../../../src/lab/workload/redis.ts";
import { WEB } from "../../../src/lab/workload/web.ts";
import type { Workload } from "../../../src/lab/workload/workload.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { quietMeter } from "../fake-lab.ts";

/** Small: what is measured does not matter here. */
const SCALE = { sampleMs: 40 };
const LIMIT_MS = 50_000;

const KIT_TARGETS = [NATIVE, NATIVE_VETH, NATIVE_TAP, SKIFF_PROCESS];
const HOST_TARGETS = [NATIVE, NATIVE_VETH];
/** What runs Linux programs in a root of their own. */
const CONTAINERS = [
  { target: BUBBLEWRAP, needs: [program("bwrap", "bubblewrap")] },
  { target: RUNC, needs: [program("runc", "runc")] },
  { target: SYSTEMD_NSPAWN, needs: [program("systemd-nspawn", "systemd-container")] },
];
const SERVERS: readonly { readonly workload: Workload; readonly isHost: boolean; readonly needs: string[][] }[] = [
  { workload: KV, isHost: false, needs: [] },
  { workload: KV_REDIS_BENCHMARK, isHost: false, needs: [["redis-benchmark", "redis-tools"]] },
  {
    workload: REDIS,
    isHost: true,
    needs: [
      ["redis-server", "redis-server"],
      ["redis-benchmark", "redis-tools"],
    ],
  },
  { workload: WEB, isHost: false, needs: [["wrk", "wrk"]] },
  {
    workload: NGINX,
    isHost: true,
    needs: [
      ["nginx", "nginx-light"],
      ["wrk", "wrk"],
    ],
  },
];

describeWith([root, program("ip", "iproute2")], "server workloads", () => {
  let made: MadeWorkbench;
  beforeAll(async () => {
    made = makeWorkbench(await probeHost(await loadProbeLibc()), "0.0.0");
  });
  afterAll(async () => made.close());

  async function take(target: Target, workload: Workload): Promise<Taken> {
    const { bench } = made;
    const available = await target.probe(bench);
    if (!available.available) throw new Error(available.reason);
    const asked = candidates({ found: [{ target, available }], workloads: [workload] }, SCALE, bench);
    const [candidate] = asked.candidates;
    if (candidate === undefined)
      throw new Error(`${target.name} refuses ${workload.name}: ${asked.refused[0]?.reason}`);
    const row = await makeReady(candidate, bench);
    if (typeof row === "string") throw new Error(row);
    try {
      const { signal } = new AbortController();
      return await takeSample(row, { bench, meter: quietMeter(), scale: SCALE, limitMs: LIMIT_MS, signal });
    } finally {
      await row.launcher.close();
    }
  }

  function testOn(target: Target, workload: Workload): void {
    test(`${workload.name} on ${target.name} has every number`, async () => {
      const { values, failure, notes, conditions } = await take(target, workload);
      expect({ failure, notes }).toEqual({ failure: null, notes: [] });
      expect(Object.keys(values ?? {}).sort()).toEqual(workload.metrics.map(({ name }) => name).sort());
      for (const value of Object.values(values ?? {})) expect(value).toBeGreaterThan(0);
      expect(conditions.client).toBeGreaterThan(0);
    });
  }

  test("a server that ends is told by its own words, not by the time limit", async () => {
    const broken: Workload = { ...KV, program: () => ({ ...kvServer(), args: ["--nonsense"] }) };
    const { values, failure, tookMs } = await take(NATIVE_VETH, broken);
    expect(values).toBeNull();
    expect(failure).toMatch(/^exited with status \d+: .*nonsense/);
    expect(tookMs).toBeLessThan(LIMIT_MS);
  });

  test("answers are read: a server of another protocol gives no numbers", async () => {
    const other: Workload = { ...KV, program: () => ({ ...kvServer(), name: "httpd" }) };
    const { values, failure } = await take(NATIVE_VETH, other);
    expect(values).toBeNull();
    expect(failure).toMatch(/^it answered "HTTP|^it closed the connection$/);
  });

  for (const { workload, isHost, needs } of SERVERS) {
    const programs = needs.map(([name = "", debianPackage = ""]) => program(name, debianPackage));
    describeWith(programs, workload.name, () => {
      for (const target of isHost ? HOST_TARGETS : KIT_TARGETS) testOn(target, workload);
      for (const { target, needs } of CONTAINERS) {
        describeWith(needs, target.name, () => testOn(target, workload));
      }
    });
  }
});

describe("server workloads in a quick run", () => {
  test("ask for nothing that is not in the package", () => {
    const quick = SERVERS.filter(({ workload }) => workload.quick).map(({ workload }) => workload);
    expect(quick).toEqual([KV]);
    expect(KV.lack).toBeUndefined();
  });
});
