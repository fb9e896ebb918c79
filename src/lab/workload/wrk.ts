import { SampleError } from "../lack.ts";
import { untilAccepts } from "./accepting.ts";
import { linkOf } from "./echo.ts";
import { pathOf } from "./installed.ts";
import type { Metric, Taking, Values } from "./workload.ts";

const RUNS = [
  { metric: "requests-keep-alive", title: "requests over one connection", options: [] },
  { metric: "requests-close", title: "a connection for each request", options: ["--header", "Connection: close"] },
] as const;
const MS_PER_S = 1000;

/** How all of these tests are done, for descriptions. */
export const WRK_METHOD =
  "one request at a time, first with keep-alive, then without; more at once take the client's one core to its limit before the server's. Timed by its clock.";

export const WRK_METRICS: readonly Metric[] = RUNS.map(({ metric, title }) => ({
  name: metric,
  title,
  unit: "requests/s",
  better: "higher",
  compared: true,
}));

/** Starts the server and has wrk measure it. */
export async function sampleWrk(taking: Taking, port: number): Promise<Values> {
  const started = await taking.start();
  await untilAccepts(taking, started, port);
  const url = `http://${linkOf(started).serverAddress}:${port}/`;
  // It knows whole seconds only.
  const seconds = Math.max(1, Math.round(taking.scale.sampleMs / RUNS.length / MS_PER_S));
  const values: Record<string, number> = {};
  for (const { metric, options } of RUNS) {
    const load = ["--threads", "1", "--connections", "1", "--duration", `${seconds}s`, ...options];
    const { stdout } = await taking.client.run(pathOf("wrk"), [...load, url]);
    values[metric] = parseWrk(stdout);
  }
  return values;
}

/**
 * Requests a second of wrk's report.
 * @throws SampleError where requests failed, or none was answered.
 */
export function parseWrk(output: string): number {
  const failed = /^\s*(Socket errors: .*|Non-2xx or 3xx responses: .*)$/m.exec(output)?.[1];
  if (failed !== undefined) throw new SampleError(`wrk tells ${failed}`);
  const rate = Number(/^Requests\/sec:\s+([\d.]+)\s*$/m.exec(output)?.[1]);
  if (!(rate > 0)) throw new SampleError(`wrk tells no requests: ${output}`);
  return rate;
}
