import { SampleError } from "../lack.ts";
import { percentile } from "../statistics/order.ts";
import { echoServer, linkOf, untilEchoes } from "./echo.ts";
import { lackOfProgram, pathOf } from "./installed.ts";
import type { Metric, Workload } from "./workload.ts";

const PERCENTILES = [50, 90, 99] as const;
/** iputils' ping does not sleep between packets of 10 ms or less: it would have no processor time left. */
const INTERVAL_MS = 12;
const REQUESTS_MIN = 20;
const US_PER_MS = 1000;

const METRICS = PERCENTILES.map(
  (share): Metric => ({
    name: `p${share}`,
    title: share === 50 ? "median" : `${share} % within`,
    unit: "µs",
    better: "lower",
    compared: true,
  }),
);

/** The way to a network stack that sleeps between two packets, and back: no program behind it answers. */
export const PING: Workload = {
  name: "ping",
  title: "Network: ping",
  description: `ping asks the network stack of the kit's idle echo server every ${INTERVAL_MS} ms, by ICMP with 56 bytes, and times the answers: the kernel's stack where the program has no own one.`,
  metrics: METRICS,
  quick: false,
  network: true,
  lack: async () => lackOfProgram("ping", "iputils-ping"),
  program: () => echoServer(),
  sample: async (taking) => {
    const link = linkOf(await taking.start());
    await untilEchoes(taking, link);
    const count = Math.max(REQUESTS_MIN, Math.round(taking.scale.sampleMs / INTERVAL_MS));
    const options = ["-n", "-i", String(INTERVAL_MS / 1000), "-c", String(count), "-W", "1"];
    const { stdout } = await taking.client.run(pathOf("ping"), [...options, link.serverAddress]);
    const times = parsePing(stdout);
    if (times.length < count) taking.note(`${count - times.length} of ${count} requests were not answered`);
    return Object.fromEntries(
      PERCENTILES.map((share) => [`p${share}`, (percentile(times, share / 100) ?? 0) * US_PER_MS]),
    );
  },
};

/**
 * Round trips in milliseconds, in the answers' order (iputils' ping, without `-q`).
 * @throws SampleError where there was no answer.
 */
export function parsePing(output: string): number[] {
  const times = [...output.matchAll(/^\d+ bytes from \S+: icmp_seq=\d+ ttl=\d+ time=([\d.]+) ms$/gm)];
  if (times.length === 0) throw new SampleError(`ping has no answers: ${output}`);
  return times.map(([, time]) => Number(time));
}
