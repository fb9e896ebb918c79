import { connect, type Socket } from "node:net";

const SILENCE_LIMIT_MS = 20_000;

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; a name that comes twice is an error. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Opens a connection; destroy it. */
export function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** Everything that comes up to the peer's end. */
export function readToEnd(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    socket.setTimeout(SILENCE_LIMIT_MS, () => {
      socket.destroy();
      reject(new Error(`no end, after ${Buffer.concat(pieces).toString("latin1").slice(-500)}`));
    });
    socket.on("data", (bytes) => pieces.push(bytes));
    socket.once("end", () => {
      socket.destroy();
      resolve(Buffer.concat(pieces));
    });
    socket.once("error", reject);
  });
}

/** Sends bytes, in the given pieces, and gives everything that comes back up to the server's end. */
export async function exchange(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<Buffer> {
  const socket = await open(port);
  const received = readToEnd(socket);
  for (const piece of pieces) {
    await new Promise((resolve) =>
      socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece, resolve),
    );
  }
  return received;
}

/** Takes one response off `bytes`. One to HEAD has no body. */
function takeResponse(bytes: Buffer, isHead: boolean): { readonly response: HttpResponse; readonly size: number } {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`a head that does not end: ${bytes.toString("latin1")}`);
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3}) [\w ]+$/.exec(statusLine)?.[1];
  if (status === undefined) throw new Error(`no status line: ${statusLine}`);
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = /^([\w-]+): (.*)$/.exec(line) ?? [];
    if (name === "" || fields.has(name.toLowerCase()))
      throw new Error(`the field '${line}' is malformed or there twice`);
    fields.set(name.toLowerCase(), value);
  }
  const isEmpty = isHead || status === "204" || status === "304";
  const length = isEmpty ? 0 : Number(fields.get("content-length") ?? Number.NaN);
  const start = end + 4;
  if (!(start + length <= bytes.length))
    throw new Error(`${bytes.length - start} bytes of ${length} came: ${statusLine}`);
  const body = bytes.subarray(start, start + length);
  return { response: { status: Number(status), fields, body }, size: start + length };
}

/** All responses in `bytes`, which must end with the last of them. `heads` tells which of them answer HEAD. */
export function responses(bytes: Buffer, heads: readonly number[] = []): readonly HttpResponse[] {
  const found: HttpResponse[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { response, size } = takeResponse(bytes.subarray(at), heads.includes(found.length));
    found.push(response);
    at += size;
  }
  return found;
}

/** Asks for one file over a connection of its own. */
export async function get(port: number, target: string, ...lines: readonly string[]): Promise<HttpResponse> {
  return request(port, "GET", target, ...lines);
}

export async function request(
  port: number,
  method: string,
  target: string,
  ...lines: readonly string[]
): Promise<HttpResponse> {
  const head = [`${method} ${target} HTTP/1.1`, "Host: a", "Connection: close", ...lines, "", ""].join("\r\n");
  const [response, ...more] = responses(await exchange(port, head), method === "HEAD" ? [0] : []);
  if (response === undefined || more.length > 0) throw new Error(`${1 + more.length} responses to one request`);
  return response;
}
