import { execFileSync } from "node:child_process";
import { ping, redisBenchmark, wrk } from "./serve/clients.ts";
import { density } from "./serve/density.ts";
import { makePeerNamespace, type PeerNamespace } from "./serve/peer-namespace.ts";
import { requestResponse } from "./serve/request-response.ts";
import { kitServers, nginxServers, type RunningServer, redisServers, type ServerKind } from "./serve/servers.ts";
import { enterNamespace, INSIDE_NAMESPACE } from "./support/namespace.ts";
import { temporaryFolder } from "./support/peers.ts";
import { keepResult, printTargets, type Target } from "./support/report.ts";
import { median, medianInterval, percentile } from "./support/statistics.ts";

/** Servers are started afresh so many times: where its pages lie in the host's memory makes one faster than the next. */
const STARTS = 6;
const ROUNDS = { keyValue: 10, web: 4 } as const;
const REQUESTS = { 1: 30_000, 16: 800_000 } as const;
const WRK_SECONDS = 1;
const PINGS = 1000;
const BYTES = 5000;

/** What a server was measured at, a value a round. */
interface Rates {
  /** Requests a second, as the client says. */
  readonly perSecond: number[];
  /** Processor time of the server a request, in microseconds. */
  readonly processorUs: number[];
}

/** By measurement ("GET, pipelining 16") and server ("redis-server over veth"). */
type Samples = Record<string, Record<string, Rates>>;

/** One measurement of a server: gives requests a second, and how many requests that were. */
interface Measurement {
  readonly what: string;
  readonly take: (server: RunningServer) => Promise<{ readonly perSecond: number; readonly requests: number }>;
}

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
      {
        starts: STARTS,
        rounds: ROUNDS,
        keyValue: summary(keyValue),
        web: summary(web),
        latency,
        density: many.measured,
        targets,
      },
      ["server pinned to one core, client to the other; rates in requests a second; ratios are medians over rounds"],
    );
  } finally {
    await peer.close();
  }
}

async function measureKeyValue(peer: PeerNamespace): Promise<Samples> {
  const kinds = [...kitServers({ program: "kv", port: 6379, memoryMib: 256 }, peer), ...redisServers(peer)];
  const measurements = ([1, 16] as const).flatMap((pipelining) =>
    (["SET", "GET"] as const).map((test): Measurement => {
      const requests = REQUESTS[pipelining];
      const take = async (server: RunningServer) => ({
        perSecond: await redisBenchmark(server, test, pipelining, requests),
        requests,
      });
      return { what: `${test}, pipelining ${pipelining}`, take };
    }),
  );
  return measureRounds(kinds, measurements, ROUNDS.keyValue);
}

async function measureWeb(peer: PeerNamespace): Promise<Samples> {
  const kinds = [
    ...kitServers({ program: "httpd", port: 80, memoryMib: 64, args: ["--connections=512"] }, peer),
    ...nginxServers(peer, temporaryFolder()),
  ];
  const measurements = [true, false].map((keepAlive): Measurement => {
    const take = (server: RunningServer) => wrk(server, "/index.html", keepAlive, WRK_SECONDS);
    return { what: `4 KiB page, ${keepAlive ? "keep-alive" : "a connection each"}`, take };
  });
  return measureRounds(kinds, measurements, ROUNDS.web);
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

/**
 * All servers are up at once, and one is asked at a time: a measurement of one stands beside the same of the others within
 * a second or two, so that a machine which grows slow for a while slows all of them. The order turns from round to round.
 */
async function measureRounds(
  kinds: readonly ServerKind[],
  measurements: readonly Measurement[],
  rounds: number,
): Promise<Samples> {
  const samples: Samples = {};
  for (const { what } of measurements) {
    samples[what] = Object.fromEntries(kinds.map((kind) => [nameOf(kind), { perSecond: [], processorUs: [] }]));
  }
  for (let start = 0; start < STARTS; start++) await measureServers(kinds, measurements, rounds, samples);
  printSamples(samples);
  return samples;
}

async function measureServers(
  kinds: readonly ServerKind[],
  measurements: readonly Measurement[],
  rounds: number,
  samples: Samples,
): Promise<void> {
  const servers: { readonly name: string; readonly server: RunningServer }[] = [];
  try {
    for (const kind of kinds) servers.push({ name: nameOf(kind), server: await kind.start() });
    for (let round = 0; round < rounds; round++) {
      for (const { what, take } of measurements) {
        for (let turn = 0; turn < servers.length; turn++) {
          const { name, server } = servers[(round + turn) % servers.length] as (typeof servers)[number];
          const before = server.processorSeconds();
          const { perSecond, requests } = await take(server);
          const rates = samples[what]?.[name];
          rates?.perSecond.push(perSecond);
          rates?.processorUs.push(((server.processorSeconds() - before) / requests) * 1e6);
        }
      }
    }
  } finally {
    for (const { server } of servers) await server.stop();
  }
}

function printSamples(samples: Samples): void {
  for (const [what, byServer] of Object.entries(samples)) {
    for (const [name, { perSecond, processorUs }] of Object.entries(byServer)) {
      const [low, high] = medianInterval(perSecond).map((value) => value.toFixed(0));
      const rate = `${median(perSecond).toFixed(0).padStart(8)} /s   (95 %: ${low} to ${high})`;
      console.log(
        `  ${what.padEnd(30)} ${name.padEnd(40)} ${rate}   ${mean(processorUs).toFixed(2)} us of processor each`,
      );
    }
  }
}

/** Processor time is counted in ticks of 10 ms: a mean over rounds tells what one round cannot. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function nameOf(kind: ServerKind): string {
  return `${kind.name} over ${kind.path}`;
}

function summary(samples: Samples): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(samples).map(([what, byServer]) => [
      what,
      Object.fromEntries(
        Object.entries(byServer).map(([name, { perSecond, processorUs }]) => [
          name,
          {
            median: median(perSecond),
            interval: medianInterval(perSecond),
            processorUs: mean(processorUs),
            values: perSecond,
          },
        ]),
      ),
    ]),
  );
}

/** How many times slower: 1 / the ratio of the rates, so that a target is reached at or below its limit. */
function slowdown(samples: Samples, what: string, of: string, to: string): number {
  const numerators = samples[what]?.[to]?.perSecond ?? [];
  const denominators = samples[what]?.[of]?.perSecond ?? [];
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
