import { once } from "node:events";
import { createServer, type Server, Socket } from "node:net";
import { HostError } from "../../host/error.ts";
import { GdbClient } from "./client.ts";
import { type DebuggedGuest, GdbSession, type SessionEnd } from "./session.ts";

/** A debugger may do anything with a guest: only programs of this host reach it. */
const HOST = "127.0.0.1";

export interface GdbOptions {
  readonly guest: DebuggedGuest;
  /** 0 chooses one. */
  readonly port: number;
  /** Takes a line for the user. */
  readonly say: (line: string) => void;
  readonly abort: AbortSignal;
}

/** Waits for a debugger, and has it run the guest. @throws {HostError} where the port is not to be had. */
export async function debugWithGdb({ guest, port, say, abort }: GdbOptions): Promise<SessionEnd> {
  const socket = await connection(port, say, abort);
  if (socket === undefined) return { type: "aborted" };
  say(`Connection from debugger at ${socket.remoteAddress ?? HOST}`);
  const client = new GdbClient(socket);
  const hangUp = () => socket.destroy();
  abort.addEventListener("abort", hangUp);
  try {
    return await new GdbSession(guest, client, () => abort.aborted).run();
  } finally {
    abort.removeEventListener("abort", hangUp);
    client.close();
  }
}

/** The first connection, and no other; undefined where this process was asked to end first. */
async function connection(port: number, say: GdbOptions["say"], abort: AbortSignal): Promise<Socket | undefined> {
  const server = createServer();
  try {
    await listen(server, port);
    const address = server.address();
    say("Waiting for a debugger. Connect to it like this:");
    say(`\tgdb --ex="target remote localhost:${typeof address === "object" ? address?.port : port}" KERNEL`);
    const [socket] = await once(server, "connection", { signal: abort });
    return socket instanceof Socket ? socket : undefined;
  } catch (error) {
    if (abort.aborted) return undefined;
    throw error;
  } finally {
    server.close();
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.maxConnections = 1;
  server.listen({ port, host: HOST });
  try {
    await once(server, "listening");
  } catch (error) {
    const errno = error instanceof Error && "errno" in error ? Math.abs(Number(error.errno)) : 0;
    throw new HostError("bind", errno, `${HOST}:${port}`);
  }
}
