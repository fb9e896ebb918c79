import { setImmediate } from "node:timers/promises";
import { connectSocket } from "../../host/socket.ffi.ts";
import { describeExit, type Instance } from "../instance/instance.ts";
import { SampleError } from "../lack.ts";
import { linkOf } from "./echo.ts";
import type { Started, Taking } from "./workload.ts";

/** Longest time that one attempt to reach a server blocks. */
const ATTEMPT_MS = 20;
/** From then on it is looked whether the server still runs: looking takes time from the attempts. */
const LATE_MS = 1_000;
const LOOK_MS = 1;

/**
 * Tries to connect to a server that just starts, until it accepts.
 * @returns when it did, by `process.hrtime`.
 * @throws SampleError where it ends instead.
 */
export async function untilAccepts(
  { client, leftMs }: Pick<Taking, "client" | "leftMs">,
  started: Started,
  port: number,
): Promise<bigint> {
  const peer = { transport: "tcp", address: linkOf(started).serverAddress, port } as const;
  const lateMs = performance.now() + LATE_MS;
  for (;;) {
    const socket = client.inside(() => connectSocket(peer, ATTEMPT_MS));
    const acceptedNs = process.hrtime.bigint();
    socket?.close();
    if (socket !== undefined) return acceptedNs;
    leftMs();
    if (performance.now() > lateMs) await requireRuns(started.instance);
    await setImmediate();
  }
}

async function requireRuns(instance: Instance): Promise<void> {
  const ended = await instance.exited(LOOK_MS).catch(() => undefined);
  if (ended !== undefined) throw new SampleError(`${describeExit(ended.exit)}: ${instance.output()}`);
}
