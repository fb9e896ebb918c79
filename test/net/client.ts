/**
 * Linux's TCP against a guest of guests/servers/services, as a program of its own because it lives in a network namespace.
 * Words: the guest's address, a service, how many bytes, how many connections at once. Fails where a byte differs.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

const PIECE_BYTES = 64 << 10;

/** As guests/servers/services/main.c makes it. */
function patternOf(bytes: number): Buffer {
  const pattern = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) pattern[at] = (Math.imul(at, 2_654_435_761) >>> 24) ^ ((at >>> 16) & 0xff);
  return pattern;
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function receiveAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  socket.on("data", (piece: Buffer) => pieces.push(piece));
  await once(socket, "end");
  return Buffer.concat(pieces);
}

async function sendAll(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    if (!socket.write(bytes.subarray(at, at + PIECE_BYTES))) await once(socket, "drain");
  socket.end();
}

function mustBe(what: string, got: string, wanted: string): void {
  if (got !== wanted) throw new Error(`${what}: got ${got}, not ${wanted}`);
}

type Service = (host: string, pattern: Buffer) => Promise<void>;

/** The guest sends. */
const source: Service = async (host, pattern) => {
  const socket = connect({ host, port: 20, allowHalfOpen: true });
  socket.write(`${pattern.length}\n`);
  mustBe("source", hashOf(await receiveAll(socket)), hashOf(pattern));
  socket.end();
};

/** The guest receives. */
const discard: Service = async (host, pattern) => {
  const socket = connect({ host, port: 9, allowHalfOpen: true });
  const answer = receiveAll(socket);
  await sendAll(socket, pattern);
  mustBe("discard", (await answer).toString(), `${pattern.length}\n`);
};

/** Both at once. */
const echo: Service = async (host, pattern) => {
  const socket = connect({ host, port: 7, allowHalfOpen: true });
  const answer = receiveAll(socket);
  await sendAll(socket, pattern);
  mustBe("echo", hashOf(await answer), hashOf(pattern));
};

/** A word there and back, many times, on one connection. */
const dialogue: Service = async (host, pattern) => {
  const socket = connect({ host, port: 7 }).setNoDelay(true);
  for (let at = 0; at + 16 <= pattern.length; at += 16) {
    const word = pattern.subarray(at, at + 16);
    socket.write(word);
    let answer = Buffer.alloc(0);
    while (answer.length < 16) answer = Buffer.concat([answer, (await once(socket, "data"))[0]]);
    mustBe(`word at ${at}`, answer.toString("hex"), word.toString("hex"));
  }
  socket.end();
  await once(socket, "close");
};

/** The guest connects back to here, and passes on what comes from either side. */
const relay: Service = async (host, pattern) => {
  const server = createServer({ allowHalfOpen: true }, (joined) => joined.pipe(joined)).listen(0);
  const socket = connect({ host, port: 21, allowHalfOpen: true });
  await once(socket, "connect");
  socket.write(`${socket.localAddress} ${(server.address() as AddressInfo).port}\n`);
  const answer = receiveAll(socket);
  await sendAll(socket, pattern);
  mustBe("relay", hashOf(await answer), hashOf(pattern));
  server.close();
};

/** The guest connects to where nobody listens. */
const refusal: Service = async (host) => {
  const socket = connect({ host, port: 21 });
  await once(socket, "connect");
  socket.write(`${socket.localAddress} 1\n`);
  const [error] = await once(socket, "error");
  mustBe("refusal", error.code, "ECONNRESET");
};

const services: Readonly<Record<string, Service>> = { source, discard, echo, dialogue, relay, refusal };

async function main([host = "", name = "", bytes = "", connections = ""]: readonly string[]): Promise<void> {
  const service = services[name];
  if (service === undefined) throw new Error(`no service '${name}'`);
  const pattern = patternOf(Number(bytes));
  await Promise.all(Array.from({ length: Number(connections) }, () => service(host, pattern)));
  console.log("whole");
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
