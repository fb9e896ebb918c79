import { execFileSync } from "node:child_process";
import { ping, redisBenchmark, wrk } from "./serve/clients.ts";
import { density } from "./serve/density.ts";
import { makePeerNamespace, type PeerNamespace } from "./serve/peer-namespace.ts";
import { requestResponse } from "./serve/request-response.ffi.ts";
import { kitServers, nginxServers, type RunningServer, redisServers, type ServerKind } from "./serve/servers.ts";
import { enterNamespace, INSIDE_NAMESPACE } from "./support/namespace.ts";
import { temporaryFolder } from "./support/peers.ts";
import { keepResult, printTargets, type Target } from "./support/report.ts";
import { median, medianInterval, percentile } from "./support/statistics.ts";

const ROUNDS = 9;
const REQUESTS = { 1: 60_000, 16: 400_000 } as const;
const WRK_SECONDS = 2;
const PINGS = 1000;
const BYTES = 5000;

/** Samples by measurement ("GET, pipelining 16") and server ("redis-server over veth"). */
type Samples = Record<string, Record<string, number[]>>;

/** The kit's servers on the process engine against themselves natively and against Debian's servers. */
export async function run(): Promise<void> {
  if (!INSIDE_NAMESPACE) {
    enterNamespace("serve");
    return;
  }
  execFileSync("ip", ["link", "set", "lo", "up"]);
  const peer = await makePeerNamespace();
  try {
    const keyValue = await measureKeyValue(peer);
    const web = await measureWeb(peer);
    const latency = await measureLatency(peer);
    const many = await density();
    const targets = [...keyValueTargets(keyValue), ...webTargets(web), ...many.targets];
    printTargets(targets);
    keepResult(
      "serve",
      { rounds: ROUNDS, keyValue: summary(keyValue), web: summary(web), latency, density: many.measured, targets },
      ["server pinned to one core, client to the other; rates in requests a second; ratios are medians over rounds"],
    );
  } finally {
    await peer.close();
  }
}

async function measureKeyValue(peer: PeerNamespace): Promise<Samples> {
  const kinds = [...kitServers({ program: "kv", port: 6379, memoryMib: 256 }, peer), ...redisServers(peer)];
  return rounds(kinds, async (server) => {
    const values: [string, number][] = [];
    for (const pipelining of [1, 16] as const) {
      const { set, get } = await redisBenchmark(server, pipelining, REQUESTS[pipelining]);
      values.push([`SET, pipelining ${pipelining}`, set], [`GET, pipelining ${pipelining}`, get]);
    }
    return values;
  });
}

async function measureWeb(peer: PeerNamespace): Promise<Samples> {
  const kinds = [
    ...kitServers({ program: "httpd", port: 80, memoryMib: 64, args: ["--connections=512"] }, peer),
    ...nginxServers(peer, temporaryFolder()),
  ];
  return rounds(kinds, async (server) => [
    ["4 KiB page, keep-alive", await wrk(server, "/index.html", true, WRK_SECONDS)],
    ["4 KiB page, a connection each", await wrk(server, "/index.html", false, WRK_SECONDS)],
  ]);
}

/** Percentiles of ping and of one byte over TCP; the host's own stack across a veth is what they are held against. */
async function measureLatency(peer: PeerNamespace): Promise<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const kind of kitServers({ program: "services", port: 7, memoryMib: 32 }, peer)) {
    const server = await kind.start();
    try {
      const ms = { ping: await ping(server, PINGS), tcp: requestResponse(server, BYTES).map((ns) => ns / 1000) };
      for (const [what, times] of Object.entries(ms)) {
        const points = Object.fromEntries([50, 90, 99, 99.9].map((p) => [`p${p}`, percentile(times, p / 100)]));
        result[`${what}, ${nameOf(kind)}`] = { unit: "us", ...points };
        const text = Object.entries(points).map(([name, value]) => `${name} ${value.toFixed(1)}`);
        console.log(
          `  ${`${what === "ping" ? "ping" : "one byte over TCP"}, ${nameOf(kind)}`.padEnd(64)} ${text.join("  ")} us`,
        );
      }
    } finally {
      await server.stop();
    }
  }
  return result;
}

/** Every server once a round, in turn; the samples are rates. */
async function rounds(
  kinds: readonly ServerKind[],
  measure: (server: RunningServer) => Promise<[string, number][]>,
): Promise<Samples> {
  const samples: Samples = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < kinds.length; turn++) {
      const kind = kinds[(round + turn) % kinds.length] as ServerKind;
      const server = await kind.start();
      try {
        for (const [what, value] of await measure(server)) {
          samples[what] ??= {};
          const byServer = samples[what];
          byServer[nameOf(kind)] ??= [];
          byServer[nameOf(kind)]?.push(value);
        }
      } finally {
        await server.stop();
      }
    }
  }
  for (const [what, byServer] of Object.entries(samples)) {
    for (const [name, values] of Object.entries(byServer)) {
      const [low, high] = medianInterval(values).map((value) => value.toFixed(0));
      console.log(
        `  ${what.padEnd(30)} ${name.padEnd(44)} ${median(values).toFixed(0).padStart(8)} /s   (95 %: ${low} to ${high})`,
      );
    }
  }
  return samples;
}

function nameOf(kind: ServerKind): string {
  return `${kind.name} over ${kind.path}`;
}

function summary(samples: Samples): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(samples).map(([what, byServer]) => [
      what,
      Object.fromEntries(
        Object.entries(byServer).map(([name, values]) => [
          name,
          { median: median(values), interval: medianInterval(values), values },
        ]),
      ),
    ]),
  );
}

/** How many times slower: 1 / the ratio of the rates, so that a target is reached at or below its limit. */
function slowdown(samples: Samples, what: string, of: string, to: string): number {
  const numerators = samples[what]?.[to] ?? [];
  const denominators = samples[what]?.[of] ?? [];
  return median(numerators.map((value, round) => value / (denominators[round] ?? Number.NaN)));
}

function keyValueTargets(samples: Samples): Target[] {
  const guest = "kv, process engine over tap";
  const against = (what: string, to: string, rateMin: number): Target => ({
    says: `${what}: rate of ${to} / ${guest}`,
    value: slowdown(samples, what, guest, to),
    limit: 1 / rateMin,
  });
  return Object.keys(samples).flatMap((what) => [
    against(what, "kv, native on its own stack over tap", 0.97),
    against(what, "redis-server over veth", what.endsWith(" 16") ? 0.9 : 0.6),
  ]);
}

function webTargets(samples: Samples): Target[] {
  const guest = "httpd, process engine over tap";
  return Object.keys(samples).map((what) => ({
    says: `${what}: rate of nginx over veth / ${guest}`,
    value: slowdown(samples, what, guest, "nginx over veth"),
    limit: 1 / 0.6,
  }));
}
