import type { DeviceBuffer, Outcome } from "./buffer.ts";

/** What carries a net device's frames. */
export interface NetBackend {
  /** Sends a frame; false where it is lost. */
  send(frame: DeviceBuffer): boolean;
  /**
   * Takes the next frame, cut to the buffer.
   * @returns its bytes in the buffer; 0 where none waits; undefined where the backend failed.
   */
  receive(buffer: DeviceBuffer): number | undefined;
}

/** Destination, source and type (IEEE 802.3, section 3.1.1). */
export const ETHERNET_HEADER_BYTES = 14;

/** A net device of Ethernet frames (Solo5 v0.12, `include/solo5.h`, section "Network I/O"). */
export class NetDevice {
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Largest payload behind the Ethernet header. */
  readonly mtu: number;
  readonly #backend: NetBackend;

  constructor(backend: NetBackend, shape: { readonly mac: Uint8Array; readonly mtu: number }) {
    this.#backend = backend;
    this.mac = shape.mac;
    this.mtu = shape.mtu;
  }

  /** With the Ethernet header. */
  get frameBytesMax(): number {
    return this.mtu + ETHERNET_HEADER_BYTES;
  }

  /** Whether a frame of a guest, of any length, may be sent. */
  isFrame(length: number): boolean {
    return length >= ETHERNET_HEADER_BYTES && length <= this.frameBytesMax;
  }

  /** @param frame of a length that `isFrame` takes. */
  send(frame: DeviceBuffer): Outcome {
    return this.#backend.send(frame) ? "ok" : "failed";
  }

  /** As `NetBackend.receive`. */
  receive(buffer: DeviceBuffer): number | undefined {
    return this.#backend.receive(buffer);
  }
}

/** Frames in memory: a test or a browser puts them in and takes them out. */
export class MemoryFrames implements NetBackend {
  readonly sent: Uint8Array[] = [];
  readonly waiting: Uint8Array[] = [];

  send({ bytes }: DeviceBuffer): boolean {
    this.sent.push(bytes.slice());
    return true;
  }

  receive({ bytes }: DeviceBuffer): number {
    const frame = this.waiting.shift()?.subarray(0, bytes.length);
    if (frame === undefined) return 0;
    bytes.set(frame);
    return frame.length;
  }
}
