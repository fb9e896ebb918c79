import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GUEST_ARCHITECTURE } from "../support/peers.ts";
import { ROOT } from "../support/report.ts";
import type { PeerNamespace } from "./peer-namespace.ts";

/** Servers run there, clients on the other core. */
export const SERVER_CORE = 1;
export const CLIENT_CORE = 0;
const READY_WITHIN_MS = 10_000;

/** A way to run a server; the path that its packets take is part of what it is. */
export interface ServerKind {
  readonly name: string;
  readonly path: "tap" | "veth" | "loopback";
  readonly start: () => Promise<RunningServer>;
}

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** Processor time that it has used, of its own and in the kernel for it, in seconds. */
  readonly processorSeconds: () => number;
  readonly stop: () => Promise<void>;
}

/** What a program of the kit is started with. */
export interface KitServer {
  readonly program: string;
  readonly port: number;
  readonly memoryMib: number;
  readonly args?: readonly string[];
}

const GUEST = { tap: "tap0", host: "10.3.0.1", address: "10.3.0.2" };
const OWN_STACK = { tap: "tap1", host: "10.3.1.1", address: "10.3.1.2" };

/** A server of the kit in each of its forms, each with its own address, so that all can be up at once. */
export function kitServers(server: KitServer, peer: PeerNamespace): ServerKind[] {
  const { program, port, memoryMib, args = [] } = server;
  const native = join(ROOT, "guests/native", GUEST_ARCHITECTURE, program);
  const image = join(ROOT, "guests/images", GUEST_ARCHITECTURE, `${program}.spt`);
  const skiff = [process.execPath, join(ROOT, "dist/skiff.cjs"), "run", "--mem", String(memoryMib)];
  const guest = [...skiff, "--net", `service=${GUEST.tap},host=${GUEST.host}/24`, image, `--ipv4=${GUEST.address}/24`];
  const { tap, host, address } = OWN_STACK;
  const overTap = [`ip tuntap add ${tap} mode tap`, `ip addr add ${host}/24 dev ${tap}`, `ip link set ${tap} up`];
  const onTap = [`${native}-tap`, `--net:service=${tap}`, `--mem=${memoryMib}`, `--ipv4=${address}/24`];
  return [
    {
      name: `${program}, process engine`,
      path: "tap",
      start: () => startServer([...guest, ...args], GUEST.address, port),
    },
    {
      name: `${program}, native on its own stack`,
      path: "tap",
      start: () => startServer([...onTap, ...args], address, port, { before: overTap, after: [`ip link del ${tap}`] }),
    },
    {
      name: `${program}, native on sockets`,
      path: "veth",
      start: () => startServer([...peer.enter, native, `--mem=${memoryMib}`, ...args], peer.address, port),
    },
  ];
}

// Not those of the kit's servers, beside which they are up in the same namespace.
const REDIS_PORT = 6380;
const NGINX_PORT = 8080;

/** Debian's Redis as its package has it, without snapshots and log; one process, as kv is one. */
export function redisServers(peer: PeerNamespace): ServerKind[] {
  const command = [
    "redis-server",
    "--port",
    String(REDIS_PORT),
    "--save",
    "",
    "--appendonly",
    "no",
    "--protected-mode",
    "no",
    "--bind",
    "*",
  ];
  return [
    {
      name: "redis-server",
      path: "veth",
      start: () => startServer([...peer.enter, ...command], peer.address, REDIS_PORT),
    },
    { name: "redis-server", path: "loopback", start: () => startServer(command, "127.0.0.1", REDIS_PORT) },
  ];
}

/** Debian's nginx with one worker, access log off, a page of 4096 bytes. */
export function nginxServers(peer: PeerNamespace, folder: string): ServerKind[] {
  const root = join(folder, "nginx");
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "index.html"), `${"<p>4096 bytes</p>\n".padEnd(4096, "x")}`);
  const command = (instance: string) => {
    const configuration = join(root, `${instance}.conf`);
    writeFileSync(
      configuration,
      `worker_processes 1; daemon off; pid ${root}/${instance}.pid; error_log ${root}/${instance}.log;
user root;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=16;
  types { text/html html; }
  server { listen ${NGINX_PORT}; root ${root}; } }
`,
    );
    return ["nginx", "-c", configuration];
  };
  const inPeer = [...peer.enter, ...command("veth")];
  return [
    { name: "nginx", path: "veth", start: () => startServer(inPeer, peer.address, NGINX_PORT) },
    { name: "nginx", path: "loopback", start: () => startServer(command("loopback"), "127.0.0.1", NGINX_PORT) },
  ];
}

interface Around {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

async function startServer(
  command: readonly string[],
  address: string,
  port: number,
  around?: Around,
): Promise<RunningServer> {
  for (const line of around?.before ?? []) await shell(line);
  // A benchmark that is killed leaves no server behind.
  const words = ["--pdeathsig", "KILL", "taskset", "-c", String(SERVER_CORE), ...command];
  const child = spawn("setpriv", words, { stdio: ["ignore", "ignore", "inherit"] });
  const stop = async () => {
    await endProcess(child);
    for (const line of around?.after ?? []) await shell(line);
  };
  try {
    await untilItAccepts(child, address, port);
  } catch (error) {
    await stop();
    throw new Error(`${command.join(" ")} does not answer on ${address}:${port}`, { cause: error });
  }
  return { address, port, processorSeconds: () => processorSeconds(child.pid ?? 0), stop };
}

/** Of a process with its threads, and of its children. */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  // proc(5): utime and stime are fields 14 and 15, the state behind the name is field 3; 100 ticks a second.
  const own = (Number(fields[11]) + Number(fields[12])) / 100;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  return children.reduce((sum, child) => sum + processorSeconds(Number(child)), own);
}

/** SIGTERM: every one of these servers, and a guest, ends by it. */
async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  await closed;
}

async function untilItAccepts(child: ChildProcess, address: string, port: number): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
    const socket = connect({ host: address, port, timeout: 200 });
    const accepted = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("timeout", () => resolve(false));
    });
    socket.destroy();
    if (accepted) return;
    if (performance.now() > deadline) throw new Error(`not within ${READY_WITHIN_MS} ms`);
    await delay(5);
  }
}

async function shell(line: string): Promise<void> {
  const [program = "", ...words] = line.split(" ");
  const child = spawn(program, words, { stdio: "inherit" });
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new Error(`${line} ended with status ${status}`);
}
