import { connect, type Socket } from "node:net";

/** A reply of RESP2, decoded: bulk strings as Latin-1 text, so that each byte is one character. */
export type Reply =
  | { readonly kind: "status" | "error" | "string"; readonly text: string }
  | { readonly kind: "integer"; readonly number: bigint }
  | { readonly kind: "null" | "no list" }
  | { readonly kind: "list"; readonly items: readonly Reply[] };

/** One request in RESP; a word is Latin-1 text or bytes. */
export function encodeRequest(words: readonly (string | Buffer)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = typeof word === "string" ? Buffer.from(word, "latin1") : word;
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

interface Decoded {
  readonly reply: Reply;
  readonly end: number;
}

/** Decodes the reply at `start`; undefined where it is not there as a whole. Throws where it is malformed. */
export function decodeReply(bytes: Buffer, start: number): Decoded | undefined {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd < 0) return undefined;
  const kind = String.fromCharCode(bytes[start] ?? 0);
  const line = bytes.toString("latin1", start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (kind) {
    case "+":
      return { reply: { kind: "status", text: line }, end };
    case "-":
      return { reply: { kind: "error", text: line }, end };
    case ":":
      return { reply: { kind: "integer", number: BigInt(line) }, end };
    case "$":
      return decodeString(bytes, Number(line), end);
    case "*":
      return decodeList(bytes, Number(line), end);
    default:
      throw new Error(`a reply that begins with ${JSON.stringify(bytes.toString("latin1", start, start + 80))}`);
  }
}

function decodeString(bytes: Buffer, size: number, start: number): Decoded | undefined {
  if (size === -1) return { reply: { kind: "null" }, end: start };
  const end = start + size + 2;
  if (bytes.length < end) return undefined;
  if (bytes.toString("latin1", end - 2, end) !== "\r\n") throw new Error("a string without its end");
  return { reply: { kind: "string", text: bytes.toString("latin1", start, end - 2) }, end };
}

function decodeList(bytes: Buffer, count: number, start: number): Decoded | undefined {
  if (count === -1) return { reply: { kind: "no list" }, end: start };
  const items: Reply[] = [];
  let at = start;
  while (items.length < count) {
    const item = decodeReply(bytes, at);
    if (item === undefined) return undefined;
    items.push(item.reply);
    at = item.end;
  }
  return { reply: { kind: "list", items }, end: at };
}

/** A connection to a server that speaks RESP. */
export class RespClient {
  readonly #socket: Socket;
  readonly #waiting: { readonly resolve: (reply: Reply) => void; readonly reject: (error: Error) => void }[] = [];
  #received: Buffer = Buffer.alloc(0);
  #closed: Error | undefined;
  /** Resolves once the server has closed the connection, or it has broken. */
  readonly closed: Promise<void>;

  /** The server's. */
  readonly port: number;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.port = port;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#receive(bytes));
    socket.on("error", (error) => this.#end(error));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#end(new Error("the connection was closed"));
        resolve();
      });
    });
  }

  static async open(port: number, host = "127.0.0.1"): Promise<RespClient> {
    const socket = connect(port, host);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RespClient(socket, port);
  }

  /** Sends one request; rejects where the connection ends before its reply. */
  call(...words: readonly (string | Buffer)[]): Promise<Reply> {
    return this.send(encodeRequest(words));
  }

  /** Sends bytes that make one request, or none where `push` is to send them. */
  send(bytes: Buffer | string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) {
        reject(this.#closed);
        return;
      }
      this.#waiting.push({ resolve, reject });
      if (bytes.length > 0) this.#socket.write(bytes);
    });
  }

  /** Sends many requests at once. */
  pipeline(requests: readonly (readonly (string | Buffer)[])[]): Promise<Reply[]> {
    this.#socket.cork();
    const replies = requests.map((words) => this.call(...words));
    this.#socket.uncork();
    return Promise.all(replies);
  }

  /** Sends more bytes of a request that waits for its reply already. */
  push(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Reads nothing from the connection until it is told to go on. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    let at = 0;
    for (;;) {
      const decoded = decodeReply(this.#received, at);
      if (decoded === undefined) break;
      at = decoded.end;
      this.#waiting.shift()?.resolve(decoded.reply);
    }
    this.#received = this.#received.subarray(at);
  }

  #end(error: Error): void {
    this.#closed ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed);
  }
}
