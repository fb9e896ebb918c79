import { connect, type Socket } from "node:net";
import { packet } from "../../src/monitor/gdb/packet.ts";

/** A client of GDB's remote protocol that a test speaks as. */
export class RemoteClient {
  readonly #socket: Socket;
  #text = "";
  #isClosed = false;
  #look: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => {
      this.#text += bytes.toString("latin1");
      this.#look?.();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#isClosed = true;
      this.#look?.();
    });
  }

  static async connect(port: number): Promise<RemoteClient> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RemoteClient(socket);
  }

  /** Sends a command, and gives the text of its reply. */
  async ask(command: string): Promise<string> {
    this.sendRaw(packet(command));
    const reply = await this.#take(/^\+?\$([^#]*)#[0-9a-f]{2}/);
    this.sendRaw("+");
    return reply;
  }

  sendRaw(bytes: Uint8Array | string): void {
    this.#socket.write(bytes);
  }

  /** The next bytes that match, from the first one on; rejects where the stub leaves without them. */
  async next(pattern: RegExp): Promise<string> {
    return this.#take(pattern);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const match = pattern.exec(this.#text);
        if (match !== null) {
          this.#text = this.#text.slice(match.index + match[0].length);
          this.#look = undefined;
          resolve(match[1] ?? match[0]);
        } else if (this.#isClosed) {
          reject(new Error(`the stub left; it said ${JSON.stringify(this.#text)}`));
        }
      };
      this.#look();
    });
  }
}

/** Registers of 64 bits by their place in a `g` packet, whose first ones all have 64. */
export function registerAt(packetText: string, place: number): bigint {
  return Buffer.from(packetText.slice(16 * place, 16 * place + 16), "hex").readBigUInt64LE();
}
