import { type BlockingSocket, connectSocket } from "../../host/socket.ffi.ts";
import { SampleError } from "../lack.ts";
import { percentile } from "../statistics/order.ts";
import { ECHO_PORT, echoServer, exchange, linkOf, untilEchoes } from "./echo.ts";
import type { Metric, Workload } from "./workload.ts";

const TRANSPORTS = ["udp", "tcp"] as const;
const PERCENTILES = [50, 90, 99] as const;
const WARM_UP_EXCHANGES = 50;
/** Longest time that an answer may take; a lost datagram ends the sample. */
const ANSWER_LIMIT_MS = 1000;
const NS_PER_US = 1000;

const METRICS = TRANSPORTS.flatMap((transport) =>
  PERCENTILES.map(
    (share): Metric => ({
      name: `${transport}-p${share}`,
      title: `${transport.toUpperCase()}, ${share === 50 ? "median" : `${share} % within`}`,
      unit: "µs",
      better: "lower",
      compared: true,
    }),
  ),
);

/** One byte there and back, again and again, as netperf's TCP_RR and UDP_RR have it. */
export const LATENCY: Workload = {
  name: "latency",
  title: "Network: one byte there and back",
  description:
    "A client on another core sends one byte to the kit's echo server and waits for it, again and again; each round trip is timed by the client's clock.",
  metrics: METRICS,
  quick: false,
  network: true,
  program: () => echoServer(),
  sample: async (taking) => {
    const link = linkOf(await taking.start());
    await untilEchoes(taking, link);
    const values: Record<string, number> = {};
    for (const transport of TRANSPORTS) {
      const peer = { transport, address: link.serverAddress, port: ECHO_PORT };
      const limitMs = Math.min(ANSWER_LIMIT_MS, taking.leftMs());
      const times = taking.client.call(() => {
        const socket = connectSocket(peer, limitMs);
        if (socket === undefined) throw new SampleError(`no ${transport} connection to ${link.serverAddress}`);
        try {
          return roundTripsNs(socket, taking.scale.sampleMs / TRANSPORTS.length);
        } finally {
          socket.close();
        }
      });
      for (const share of PERCENTILES)
        values[`${transport}-p${share}`] = (percentile(times, share / 100) ?? 0) / NS_PER_US;
    }
    return values;
  },
};

function roundTripsNs(socket: BlockingSocket, durationMs: number): number[] {
  const byte = new Uint8Array(1);
  const times: number[] = [];
  const endMs = performance.now() + durationMs;
  for (let round = -WARM_UP_EXCHANGES; round <= 0 || performance.now() < endMs; round++) {
    const beforeNs = process.hrtime.bigint();
    if (!exchange(socket, byte)) throw new SampleError(`a byte did not come back within ${ANSWER_LIMIT_MS} ms`);
    if (round >= 0) times.push(Number(process.hrtime.bigint() - beforeNs));
  }
  return times;
}
