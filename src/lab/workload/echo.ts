import { setImmediate } from "node:timers/promises";
import { type BlockingSocket, connectSocket } from "../../host/socket.ffi.ts";
import { SampleError } from "../lack.ts";
import type { Link } from "../network.ts";
import type { KitProgram } from "../program.ts";
import type { Started, Taking } from "./workload.ts";

/** The echo service of the kit's `services` (RFC 862), over TCP and UDP. */
export const ECHO_PORT = 7;
/** Longest time that one attempt to reach a server blocks. */
const ATTEMPT_MS = 2;
const SLICE_MS = 20;

export function echoServer(): KitProgram & { readonly port: number } {
  return { kind: "kit", name: "services", args: [], memoryMib: 32, port: ECHO_PORT };
}

/** The link of a workload with `network`. */
export function linkOf({ link }: Started): Link {
  if (link === undefined) throw new SampleError("there is no link to its server");
  return link;
}

/**
 * Asks a server that just starts, by one byte over UDP, until it answers.
 * @returns when the answer was there, by `process.hrtime`.
 */
export async function untilEchoes({ client, leftMs }: Pick<Taking, "client" | "leftMs">, link: Link): Promise<bigint> {
  for (;;) {
    const answeredNs = client.inside(() => askForSlice(link.serverAddress));
    if (answeredNs !== undefined) return answeredNs;
    leftMs();
    await setImmediate();
  }
}

function askForSlice(address: string): bigint | undefined {
  const endMs = performance.now() + SLICE_MS;
  while (performance.now() < endMs) {
    const socket = connectSocket({ transport: "udp", address, port: ECHO_PORT }, ATTEMPT_MS);
    try {
      if (socket !== undefined && exchange(socket, new Uint8Array(1))) return process.hrtime.bigint();
    } finally {
      socket?.close();
    }
  }
  return undefined;
}

/** One byte there and back; false where it does not come. */
export function exchange(socket: BlockingSocket, byte: Uint8Array): boolean {
  return socket.send(byte) === 1 && socket.receive(byte) === 1;
}
