/** What serves devices on descriptors of this host. */
import type { BlockBackend } from "../device/block.ts";
import type { DeviceBuffer } from "../device/buffer.ts";
import type { NetBackend } from "../device/net.ts";
import { ERRNO } from "../host/errno.ts";
import { type Bytes, read, readAt, write, writeAt } from "../host/transfer.ffi.ts";

function bytesOf(buffer: DeviceBuffer): Bytes {
  return buffer.hostAddress ?? buffer.bytes;
}

/** Blocks of a file or block device. */
export class HostBlocks implements BlockBackend {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  read(offset: number, buffer: DeviceBuffer): boolean {
    return retried(() => readAt(this.#descriptor, bytesOf(buffer), buffer.length, offset)) === buffer.length;
  }

  write(offset: number, buffer: DeviceBuffer): boolean {
    return retried(() => writeAt(this.#descriptor, bytesOf(buffer), buffer.length, offset)) === buffer.length;
  }
}

const { EAGAIN, EINTR, EIO, ENOBUFS, ENOMEM } = ERRNO;
/** Solo5's API drops a frame that cannot be sent for now; EIO is a tap that is down. */
const TRANSIENT: ReadonlySet<number> = new Set([-EAGAIN, -EIO, -ENOBUFS, -ENOMEM]);

/** Frames of a tap. */
export class HostFrames implements NetBackend {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  send(frame: DeviceBuffer): boolean {
    const count = retried(() => write(this.#descriptor, bytesOf(frame), frame.length));
    return count === frame.length || TRANSIENT.has(count);
  }

  receive(buffer: DeviceBuffer): number | undefined {
    const count = retried(() => read(this.#descriptor, bytesOf(buffer), buffer.length));
    if (count >= 0) return count;
    return count === -EAGAIN ? 0 : undefined;
  }
}

function retried(call: () => number): number {
  for (;;) {
    const count = call();
    if (count !== -EINTR) return count;
  }
}
