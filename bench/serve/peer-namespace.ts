import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/** The namespace of the native servers: a veth pair joins it to the clients'. */
export interface PeerNamespace {
  /** Address of the servers there. */
  readonly address: string;
  /** Words in front of a command that make it run there. */
  readonly enter: readonly string[];
  readonly close: () => Promise<void>;
}

const CLIENT_ADDRESS = "10.2.0.1";
const SERVER_ADDRESS = "10.2.0.2";

/** Makes the namespace, held by a process that waits for the end of its input. */
export async function makePeerNamespace(): Promise<PeerNamespace> {
  const holder = spawn("unshare", ["--net", "sh", "-c", "echo ready; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  const pid = String(holder.pid);
  const ip = (...words: string[]) => execFileSync("ip", words);
  ip("link", "add", "veth-client", "type", "veth", "peer", "name", "veth-server", "netns", pid);
  ip("addr", "add", `${CLIENT_ADDRESS}/24`, "dev", "veth-client");
  ip("link", "set", "veth-client", "up");
  const enter = ["nsenter", `--net=/proc/${pid}/ns/net`];
  const [program = "", ...words] = enter;
  for (const command of [
    ["ip", "addr", "add", `${SERVER_ADDRESS}/24`, "dev", "veth-server"],
    ["ip", "link", "set", "veth-server", "up"],
    ["ip", "link", "set", "lo", "up"],
  ]) {
    execFileSync(program, [...words, ...command]);
  }
  return { address: SERVER_ADDRESS, enter, close: () => end(holder) };
}

async function end(holder: ChildProcess): Promise<void> {
  const closed = once(holder, "close");
  holder.stdin?.end();
  await closed;
}
