import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CLIENT_CORE, type RunningServer } from "./servers.ts";

const run = promisify(execFile);

async function client(command: readonly string[]): Promise<string> {
  const { stdout } = await run("taskset", ["-c", String(CLIENT_CORE), ...command], { maxBuffer: 16 * 2 ** 20 });
  return stdout;
}

/** Debian's redis-benchmark: 50 connections, values of 3 bytes, as the published measurements have them: requests a second. */
export async function redisBenchmark(
  server: RunningServer,
  test: "SET" | "GET",
  pipelining: number,
  requests: number,
): Promise<number> {
  const output = await client([
    ...["redis-benchmark", "-h", server.address, "-p", String(server.port), "-t", test, "-c", "50", "-d", "3"],
    ...["-n", String(requests), "-P", String(pipelining), "-r", "100000", "--csv"],
  ]);
  const match = new RegExp(`^"${test}","([0-9.]+)"`, "m").exec(output);
  if (match === null) throw new Error(`redis-benchmark printed no rate of ${test}: ${output}`);
  return Number(match[1]);
}

/** Debian's wrk with one thread and 50 connections. Failed answers end the benchmark. */
export async function wrk(
  server: RunningServer,
  path: string,
  keepAlive: boolean,
  seconds: number,
): Promise<{ readonly perSecond: number; readonly requests: number }> {
  const output = await client([
    ...["wrk", "-t", "1", "-c", "50", "-d", `${seconds}s`],
    ...(keepAlive ? [] : ["-H", "Connection: close"]),
    `http://${server.address}:${server.port}${path}`,
  ]);
  const rate = /^Requests\/sec:\s+([0-9.]+)/m.exec(output);
  const count = /^\s+(\d+) requests in /m.exec(output);
  if (rate === null || count === null || /Non-2xx/.test(output) || /Socket errors: .*connect [1-9]/.test(output)) {
    throw new Error(`wrk against ${server.address} failed: ${output}`);
  }
  return { perSecond: Number(rate[1]), requests: Number(count[1]) };
}

/** Round trips of ping in microseconds, 1 ms apart. */
export async function ping(server: RunningServer, count: number): Promise<number[]> {
  const output = await client(["ping", "-i", "0.001", "-c", String(count), server.address]);
  const times = [...output.matchAll(/ time=([0-9.]+) ms/g)].map((match) => Number(match[1]) * 1000);
  if (times.length < count) throw new Error(`${count - times.length} of ${count} pings to ${server.address} were lost`);
  return times;
}
