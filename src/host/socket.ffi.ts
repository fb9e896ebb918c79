import { closeSync } from "node:fs";
import koffi from "koffi";
import { HostError } from "./error.ts";

// Linux include/uapi: in.h, tcp.h, asm-generic/socket.h, asm-generic/errno.h; include/linux/net.h.
const AF_INET = 2;
const SOCK_STREAM_CLOEXEC = 0x8_0001;
const SOCK_DGRAM_CLOEXEC = 0x8_0002;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SOCKET_ADDRESS_BYTES = 16;
const SHUT_WR = 1;
/** What a receive gives when its time is over, or there was no one to receive from yet. */
const NOTHING_YET: ReadonlySet<number> = new Set([4, 11, 101, 111, 113]);

const libc = koffi.load(null);
const socket = libc.func("int socket(int, int, int)");
const connect = libc.func("int connect(int, void *, unsigned int)");
const setsockopt = libc.func("int setsockopt(int, int, int, void *, unsigned int)");
const send = libc.func("long send(int, void *, size_t, int)");
const recv = libc.func("long recv(int, void *, size_t, int)");
const shutdown = libc.func("int shutdown(int, int)");

/** A connected socket whose calls block this thread: no event loop lies between a request and its answer. */
export interface BlockingSocket {
  /** Bytes taken; undefined where the time limit passed or nobody listens there yet. */
  readonly send: (bytes: Uint8Array) => number | undefined;
  /** Bytes received, 0 at the end; undefined where the time limit passed, or nobody listens there yet. */
  readonly receive: (bytes: Uint8Array) => number | undefined;
  /** The peer then reads the end of what was sent; receiving goes on. */
  readonly endSending: () => void;
  readonly close: () => void;
}

export interface Peer {
  readonly transport: "tcp" | "udp";
  /** Dotted IPv4 address. */
  readonly address: string;
  readonly port: number;
}

/**
 * Connects to a server, in this thread's network namespace.
 * @param limitMs of each call: connecting, sending, receiving.
 * @returns undefined where nobody listens, or not within the limit.
 */
export function connectSocket({ transport, address, port }: Peer, limitMs: number): BlockingSocket | undefined {
  const type = transport === "tcp" ? SOCK_STREAM_CLOEXEC : SOCK_DGRAM_CLOEXEC;
  const descriptor = check("socket", socket(AF_INET, type, 0));
  const limit = BigInt64Array.of(BigInt(Math.floor(limitMs / 1000)), BigInt(Math.round((limitMs % 1000) * 1000)));
  try {
    for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) set(descriptor, SOL_SOCKET, option, limit);
    if (transport === "tcp") set(descriptor, IPPROTO_TCP, TCP_NODELAY, Int32Array.of(1));
    if (connect(descriptor, socketAddress(address, port), SOCKET_ADDRESS_BYTES) !== 0) {
      closeSync(descriptor);
      return undefined;
    }
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return {
    send: (bytes) => transferred("send", send(descriptor, bytes, bytes.length, 0)),
    receive: (bytes) => transferred("recv", recv(descriptor, bytes, bytes.length, 0)),
    endSending: () => void check("shutdown", shutdown(descriptor, SHUT_WR)),
    close: () => closeSync(descriptor),
  };
}

function set(descriptor: number, level: number, option: number, value: Int32Array | BigInt64Array): void {
  check("setsockopt", setsockopt(descriptor, level, option, value, value.byteLength));
}

function transferred(call: string, result: number | bigint): number | undefined {
  const count = Number(result);
  if (count >= 0) return count;
  const errno = koffi.errno();
  if (NOTHING_YET.has(errno)) return undefined;
  throw new HostError(call, errno);
}

/** `struct sockaddr_in`: family, then port and address in network order. */
function socketAddress(address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(SOCKET_ADDRESS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(address.split(".").map(Number), 4);
  return bytes;
}

function check(call: string, result: number): number {
  if (result < 0) throw new HostError(call, koffi.errno());
  return result;
}
