import { type BlockingSocket, connectSocket } from "../../host/socket.ffi.ts";
import { SampleError } from "../lack.ts";
import type { KitProgram } from "../program.ts";
import { untilAccepts } from "./accepting.ts";
import { linkOf } from "./echo.ts";
import type { Metric, Workload } from "./workload.ts";

export const KV_PORT = 6379;
/** Longest time that an answer may take. */
const ANSWER_LIMIT_MS = 1000;
const MS_PER_S = 1000;
const PIPELININGS = [1, 16] as const;

/** One command in RESP2 with the answer that it must get; value and key as redis-benchmark has them by default. */
const COMMANDS = [
  { name: "set", title: "SET", request: request("SET", "key:__rand_int__", "xxx"), answer: "+OK\r\n" },
  { name: "get", title: "GET", request: request("GET", "key:__rand_int__"), answer: "$3\r\nxxx\r\n" },
] as const;

const RUNS = PIPELININGS.flatMap((pipelining) =>
  COMMANDS.map((command) => ({ ...command, pipelining, metric: `${command.name}-p${pipelining}` })),
);

/** The kit's key-value server. */
export function kvServer(): KitProgram & { readonly port: number } {
  return { kind: "kit", name: "kv", args: [`--port=${KV_PORT}`], memoryMib: 64, port: KV_PORT };
}

/** A server at work with nothing but what the kit brings: on a machine without any Redis, too. */
export const KV: Workload = {
  name: "kv",
  title: "Key-value server",
  description:
    "A client of the lab's own asks the kit's key-value server over one TCP connection by Redis' protocol, one request or sixteen at a time, and waits for the answers: so it is idle while the server works, and never the limit. Timed by its clock.",
  metrics: RUNS.map(
    ({ metric, title, pipelining }): Metric => ({
      name: metric,
      title: pipelining === 1 ? title : `${title}, pipelining ${pipelining}`,
      unit: "requests/s",
      better: "higher",
      compared: true,
    }),
  ),
  quick: true,
  network: true,
  program: () => kvServer(),
  sample: async (taking) => {
    const started = await taking.start();
    await untilAccepts(taking, started, KV_PORT);
    const peer = { transport: "tcp", address: linkOf(started).serverAddress, port: KV_PORT } as const;
    const values: Record<string, number> = {};
    for (const { metric, request, answer, pipelining } of RUNS) {
      const limitMs = Math.min(ANSWER_LIMIT_MS, taking.leftMs());
      values[metric] = taking.client.call(() => {
        const socket = connectSocket(peer, limitMs);
        if (socket === undefined) throw new SampleError(`no connection to ${peer.address}`);
        try {
          const batch = { request: request.repeat(pipelining), answer: answer.repeat(pipelining) };
          return pipelining * batchesPerSecond(socket, batch, taking.scale.sampleMs / RUNS.length);
        } finally {
          socket.close();
        }
      });
    }
    return values;
  },
};

/** An array of bulk strings (Redis serialization protocol, "Sending commands to a Redis server"). */
function request(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

interface Batch {
  readonly request: string;
  readonly answer: string;
}

/** @throws SampleError where the answers do not come, or others than these. */
function batchesPerSecond(socket: BlockingSocket, batch: Batch, durationMs: number): number {
  const request = Buffer.from(batch.request, "latin1");
  const expected = Buffer.from(batch.answer, "latin1");
  const answer = Buffer.alloc(expected.length);
  // The first one warms up.
  exchange(socket, request, answer, expected);
  const startedMs = performance.now();
  let batches = 0;
  let tookMs = 0;
  do {
    exchange(socket, request, answer, expected);
    batches++;
    tookMs = performance.now() - startedMs;
  } while (tookMs < durationMs);
  return (batches * MS_PER_S) / tookMs;
}

function exchange(socket: BlockingSocket, request: Buffer, answer: Buffer, expected: Buffer): void {
  if (socket.send(request) !== request.length) throw new SampleError("it does not take requests");
  for (let received = 0; received < answer.length; ) {
    const count = socket.receive(received === 0 ? answer : answer.subarray(received));
    if (count === undefined) throw new SampleError(`answers did not come within ${ANSWER_LIMIT_MS} ms`);
    if (count === 0) throw new SampleError("it closed the connection");
    received += count;
  }
  if (!answer.equals(expected)) throw new SampleError(`it answered ${JSON.stringify(answer.toString("latin1"))}`);
}
