import { connectSocket } from "../../src/host/socket.ffi.ts";
import { pinTo } from "../support/spawn.ffi.ts";
import { CLIENT_CORE, type RunningServer } from "./servers.ts";

const LIMIT_MS = 10_000;

/**
 * One byte there and back over one TCP connection, again and again (as netperf's TCP_RR): nanoseconds of each.
 * Blocking calls, so that no event loop lies between.
 */
export function requestResponse({ address, port }: RunningServer, rounds: number): number[] {
  pinTo(CLIENT_CORE);
  const socket = connectSocket({ transport: "tcp", address, port }, LIMIT_MS);
  if (socket === undefined) throw new Error(`${address}:${port} takes no connection`);
  try {
    const byte = new Uint8Array(1);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = process.hrtime.bigint();
      if (socket.send(byte) !== 1 || socket.receive(byte) !== 1) {
        throw new Error(`${address}:${port} closed the connection`);
      }
      times.push(Number(process.hrtime.bigint() - before));
    }
    return times;
  } finally {
    socket.close();
  }
}
