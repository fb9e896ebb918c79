import type { Socket } from "node:net";
import { ACKNOWLEDGED, NOT_UNDERSTOOD, PacketReader, packet, type Received } from "./packet.ts";

/** Commands that may wait for their turn; the client is not read from beyond. */
const WAITING_MAX = 64;

/** A debugger at the other end of a connection. */
export class GdbClient {
  readonly #socket: Socket;
  readonly #reader = new PacketReader();
  readonly #commands: string[] = [];
  #interrupted = false;
  #isClosed = false;
  #acknowledges = true;
  #last: Uint8Array = new Uint8Array(0);
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => {
      for (const received of this.#reader.read(bytes)) this.#take(received);
      if (this.#commands.length > WAITING_MAX) socket.pause();
      this.#wake?.();
    });
    // A broken connection is closed too.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The next command's text; undefined where the client has left. */
  async command(): Promise<string | undefined> {
    for (;;) {
      const text = this.#commands.shift();
      if (text !== undefined) {
        if (this.#commands.length === 0) this.#socket.resume();
        return text;
      }
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Whether the client wanted the guest to stop, since this was asked last. */
  takeInterrupt(): boolean {
    const wasInterrupted = this.#interrupted;
    this.#interrupted = false;
    return wasInterrupted;
  }

  send(text: string): void {
    this.#last = packet(text);
    this.#write(this.#last);
  }

  stopAcknowledging(): void {
    this.#acknowledges = false;
  }

  /** Once all is sent. */
  close(): void {
    this.#socket.end();
    this.#socket.unref();
  }

  #take(received: Received): void {
    switch (received.type) {
      case "packet":
        if (this.#acknowledges) this.#write(ACKNOWLEDGED);
        this.#commands.push(received.text);
        break;
      case "damaged":
        if (this.#acknowledges) this.#write(NOT_UNDERSTOOD);
        break;
      case "again":
        if (this.#acknowledges) this.#write(this.#last);
        break;
      case "interrupt":
        this.#interrupted = true;
    }
  }

  #write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(bytes);
  }
}
