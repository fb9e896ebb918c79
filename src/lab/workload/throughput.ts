import { type BlockingSocket, connectSocket } from "../../host/socket.ffi.ts";
import { SampleError } from "../lack.ts";
import type { Link } from "../network.ts";
import { echoServer, linkOf, untilEchoes } from "./echo.ts";
import type { Taking, Workload } from "./workload.ts";

/** The kit's `services`: discard (RFC 863), which tells how much it took; and a pattern without end. */
const DISCARD_PORT = 9;
const PATTERN_PORT = 19;
const CHUNK_BYTES = 128 * 1024;
/** Of the time until a sample's end is counted, what TCP has for its windows to open. */
const WARM_UP_SHARE = 0.1;
/** Longest time without a byte. */
const SILENCE_LIMIT_MS = 2_000;
/** A byte a millisecond is a kB/s. */
const KB_PER_MB = 1000;

/** TCP's throughput with the kit's own services: the same program and the same client on every target. */
export const THROUGHPUT: Workload = {
  name: "throughput",
  title: "Network: throughput",
  description:
    "A client on another core sends to the kit's discard service by one TCP connection, which then tells how much it took, and receives the pattern of another service, which computes each byte; by the client's clock.",
  metrics: [
    { name: "to-server", title: "to the server", unit: "MB/s", better: "higher", compared: true },
    { name: "from-server", title: "from the server", unit: "MB/s", better: "higher", compared: true },
  ],
  quick: false,
  network: true,
  program: () => echoServer(),
  sample: async (taking) => {
    const link = linkOf(await taking.start());
    await untilEchoes(taking, link);
    const durationMs = taking.scale.sampleMs / 2;
    return {
      "to-server": over(taking, link, DISCARD_PORT, (socket) => sendRate(socket, durationMs)),
      "from-server": over(taking, link, PATTERN_PORT, (socket) => receiveRate(socket, durationMs)),
    };
  },
};

function over(taking: Taking, link: Link, port: number, measure: (socket: BlockingSocket) => number): number {
  const limitMs = Math.min(SILENCE_LIMIT_MS, taking.leftMs());
  return taking.client.call(() => {
    const socket = connectSocket({ transport: "tcp", address: link.serverAddress, port }, limitMs);
    if (socket === undefined) throw new SampleError(`no connection to ${link.serverAddress}, port ${port}`);
    try {
      return measure(socket);
    } finally {
      socket.close();
    }
  });
}

/** From the first byte until the server tells that it has taken the last one. */
function sendRate(socket: BlockingSocket, durationMs: number): number {
  // None of its bytes is the pattern's first one, so that the service is spared comparing the rest.
  const chunk = new Uint8Array(CHUNK_BYTES).fill(0xff);
  const startedMs = performance.now();
  let sent = 0;
  while (performance.now() - startedMs < durationMs) sent += socket.send(chunk) ?? silent("takes");
  socket.endSending();
  const taken = parseDiscard(receiveText(socket));
  const tookMs = performance.now() - startedMs;
  if (taken !== sent) throw new SampleError(`of ${sent} bytes sent the server took ${taken}`);
  return sent / tookMs / KB_PER_MB;
}

function receiveText(socket: BlockingSocket): string {
  const chunk = new Uint8Array(256);
  let text = "";
  for (;;) {
    const count = socket.receive(chunk) ?? silent("tells how much it took");
    if (count === 0) return text;
    text += Buffer.from(chunk.buffer, 0, count).toString("latin1");
  }
}

/**
 * What the kit's discard service took: `SIZE`, or `SIZE differs at OFFSET` where that was not the pattern.
 * @throws SampleError where it says anything else.
 */
export function parseDiscard(text: string): number {
  const size = /^(\d+)(?: differs at \d+)?\n$/.exec(text)?.[1];
  if (size === undefined) throw new SampleError(`the discard service says: ${text}`);
  return Number(size);
}

function receiveRate(socket: BlockingSocket, durationMs: number): number {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const startedMs = performance.now();
  while (performance.now() - startedMs < durationMs * WARM_UP_SHARE) receiveSome(socket, chunk);
  const countedMs = performance.now();
  let received = 0;
  let tookMs = 0;
  while (tookMs < durationMs * (1 - WARM_UP_SHARE)) {
    received += receiveSome(socket, chunk);
    tookMs = performance.now() - countedMs;
  }
  return received / tookMs / KB_PER_MB;
}

function receiveSome(socket: BlockingSocket, chunk: Uint8Array): number {
  const count = socket.receive(chunk) ?? silent("sends");
  return count > 0 ? count : silent("sends");
}

function silent(what: string): never {
  throw new SampleError(`the server ${what} nothing any more`);
}
