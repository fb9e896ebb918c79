import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { HostManifest } from "../../src/host/probe/manifest.ts";
import type { Result, RunManifest, TargetRecord, WorkloadRecord } from "../../src/lab/manifest.ts";
import type { Sample } from "../../src/lab/sample.ts";
import { makeSample } from "./make-samples.ts";

/** How much more of each metric's time a target takes. */
export interface MadeTarget {
  readonly name: string;
  readonly title?: string;
  readonly factor: number;
  readonly warning?: string;
}

const HOST: HostManifest = {
  machine: {
    architecture: "aarch64",
    kernel: "6.1.0-18-arm64",
    pageBytes: 4096,
    processor: "Cortex-A72",
    board: "Raspberry Pi 4 Model B Rev 1.4",
    processorCount: 4,
    memoryBytes: 4 * 2 ** 30,
    memoryAvailableBytes: 3 * 2 ** 30,
  },
  memory: { executableMemfd: true, lowestAddress: 65536, overcommit: "heuristic", commitAvailableBytes: null },
  seccomp: { filter: true, killProcess: true, noNewPrivileges: true },
  kvm: { state: "emulated", apiVersion: 12, instructionNs: 900, modules: [], processorSupport: null, reason: null },
  tap: { device: "opens", netAdmin: true, create: true },
  namespaces: { user: "direct", mount: "direct", net: "direct", pid: "direct", restrictions: [] },
  cgroup: { version: 2, controllers: ["cpu"], unifiedPath: null },
  tools: [{ name: "runc", path: "/usr/sbin/runc", version: "1.1.5", service: null, debianPackage: "runc" }],
};

export const PRIME: WorkloadRecord = {
  name: "prime",
  title: "CPU: counting primes",
  description: "Counts primes.",
  metrics: [{ name: "event", title: "one count", unit: "µs", better: "lower", compared: true }],
  network: false,
  baseline: "native",
};

export const KV: WorkloadRecord = {
  name: "kv",
  title: "Key-value server",
  description: "Serves keys.",
  metrics: [
    { name: "get", title: "GET", unit: "requests/s", better: "higher", compared: true },
    { name: "set", title: "SET", unit: "requests/s", better: "higher", compared: true },
  ],
  network: true,
  baseline: "native-veth",
};

export const SIZE: WorkloadRecord = {
  name: "image-size",
  title: "Image size",
  description: "What a start reads.",
  metrics: [{ name: "size", title: "image", unit: "KiB", better: "lower", compared: false }],
  network: false,
  baseline: "native",
};

export function madeManifest(targets: readonly MadeTarget[], workloads: readonly WorkloadRecord[]): RunManifest {
  return {
    format: "skiff-bench-1",
    skiff: "0.1.0",
    startedAt: "2026-01-01T12:00:00.000Z",
    ended: { at: "2026-01-01T12:10:00.000Z", why: "settled" },
    commandLine: ["skiff", "bench", "--quick"],
    seed: 7,
    quick: true,
    blocks: 10,
    sampleMs: 400,
    host: HOST,
    settings: {
      governor: "performance",
      clockSource: "arch_sys_counter",
      simultaneousThreads: false,
      mitigations: { meltdown: "Not affected", spectre_v2: "Vulnerable" },
      vhostNet: false,
    },
    cores: { servers: [2, 3], clients: [0, 1] },
    workloads,
    targets: targets.map(
      ({ name, title = name, warning = null }): TargetRecord => ({
        name,
        title,
        version: `${name} 1.0`,
        found: `/usr/bin/${name}`,
        warning,
        security: {
          kernel: "host",
          systemCalls: name.startsWith("native") ? "all" : 12,
          namespaces: ["mnt", "pid"],
          capabilities: [],
          noNewPrivileges: true,
        },
        commandLines: { [workloads[0]?.name ?? ""]: [name, "run", "<name>"] },
      }),
    ),
    notRun: [
      {
        target: "firecracker",
        targetTitle: "Firecracker",
        workload: null,
        reason: "firecracker is not on PATH",
        mend: "install it from its releases",
      },
      { target: "runsc", targetTitle: "gVisor", workload: "kv", reason: "it has no network here", mend: undefined },
    ],
  };
}

/** A result with log-normal noise on machine and samples; the same for the same seed. */
export function madeResult(
  targets: readonly MadeTarget[],
  workloads: readonly WorkloadRecord[] = [PRIME],
  { seed = 1, blocks = 20, noise = 0.01 } = {},
): Result {
  const generator = xoroshiro128plus(seed);
  const uniform = () => ((generator.next() >>> 0) + 0.5) / 2 ** 32;
  const wobble = (width: number) =>
    Math.exp(width * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
  const samples: Sample[] = [];
  for (const workload of workloads) {
    for (let block = 0; block < blocks; block++) {
      const level = 100 * wobble(0.05);
      const turns = targets.flatMap((target) =>
        (target.name === workload.baseline ? [false, true] : [false]).map((again) => ({ target, again })),
      );
      turns.forEach(({ target, again }, turn) => {
        const values = Object.fromEntries(
          workload.metrics.map(({ name, better }) => {
            const value = level * target.factor * wobble(noise);
            return [name, better === "lower" ? value : 1e6 / value];
          }),
        );
        const path = workload.network ? "veth" : null;
        samples.push(makeSample({ workload: workload.name, block, turn, target: target.name, again, values, path }));
      });
    }
  }
  return { manifest: madeManifest(targets, workloads), samples };
}
