import koffi from "koffi";
import { pinTo } from "../support/spawn.ffi.ts";
import { CLIENT_CORE, type RunningServer } from "./servers.ts";

// Linux include/uapi: in.h, tcp.h, socket.h.
const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

const libc = koffi.load(null);
const socket = libc.func("int socket(int, int, int)");
const connect = libc.func("int connect(int, void *, unsigned int)");
const setsockopt = libc.func("int setsockopt(int, int, int, void *, unsigned int)");
const send = libc.func("long send(int, void *, size_t, int)");
const recv = libc.func("long recv(int, void *, size_t, int)");
const close = libc.func("int close(int)");

/**
 * One byte there and back over one TCP connection, again and again (as netperf's TCP_RR): nanoseconds of each.
 * Blocking calls, so that no event loop lies between.
 */
export function requestResponse({ address, port }: RunningServer, rounds: number): number[] {
  pinTo(CLIENT_CORE);
  const descriptor: number = socket(AF_INET, SOCK_STREAM, 0);
  try {
    if (connect(descriptor, socketAddress(address, port), 16) !== 0)
      throw new Error(`connect ${address}: errno ${koffi.errno()}`);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, Int32Array.of(1), 4);
    const byte = new Uint8Array(1);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = process.hrtime.bigint();
      if (Number(send(descriptor, byte, 1, 0)) !== 1 || Number(recv(descriptor, byte, 1, 0)) !== 1) {
        throw new Error(`${address}:${port} closed the connection`);
      }
      times.push(Number(process.hrtime.bigint() - before));
    }
    return times;
  } finally {
    close(descriptor);
  }
}

/** `struct sockaddr_in`: family, port and address in network order. */
function socketAddress(address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(address.split(".").map(Number), 4);
  return bytes;
}
