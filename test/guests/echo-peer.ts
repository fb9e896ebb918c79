/**
 * The peer of the echo guests: a program of its own, because it lives in a network namespace that the test makes for it.
 * Words: the guest's devices, e.g. `service=tap0=10.0.0`, then `--`, then the guest's command. Makes the taps, starts the
 * guest, asks it by ARP, ping and UDP, and prints what came back as one line of JSON.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Readable } from "node:stream";

const ANSWER_LIMIT_MS = 10_000;
const ASK_AGAIN_MS = 500;

interface Device {
  readonly name: string;
  readonly tap: string;
  /** The first three numbers of its addresses: .1 is the host's, .2 the guest's. */
  readonly network: string;
}

function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8" });
}

function makeTap({ tap, network }: Device): void {
  ip("tuntap", "add", tap, "mode", "tap");
  ip("addr", "add", `${network}.1/24`, "dev", tap);
  ip("link", "set", tap, "up");
}

/** Waits until the guest has told of all its devices; then it answers. */
function readLines(guest: ChildProcessByStdio<null, Readable, null>, count: number): Promise<readonly string[]> {
  return new Promise((done, failed) => {
    let said = "";
    guest.stdout.setEncoding("utf8").on("data", (part: string) => {
      said += part;
      if (said.split("\n").length > count) done(said.trim().split("\n"));
    });
    guest.once("exit", () => failed(new Error(`the guest ended: ${said}`)));
  });
}

/** Sends a datagram until it comes back, for UDP may lose it. */
async function askByUdp(address: string, message: Buffer): Promise<string> {
  const socket = createSocket("udp4");
  const send = () => socket.send(message, 7, address);
  const timer = setInterval(send, ASK_AGAIN_MS);
  try {
    send();
    const [answer] = await once(socket, "message", { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    return (answer as Buffer).equals(message) ? "same" : "different";
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

function askByPing(address: string, payloadBytes: number): string {
  const words = ["-c", "3", "-i", "0.2", "-W", "5", "-s", String(payloadBytes), address];
  return /\d+ received/.exec(execFileSync("ping", words, { encoding: "utf8" }))?.[0] ?? "";
}

async function ask({ name, network }: Device): Promise<object> {
  const address = `${network}.2`;
  return {
    name,
    ping: askByPing(address, 56),
    longPing: askByPing(address, 1472),
    mac: /lladdr (\S+)/.exec(ip("neigh", "show", address))?.[1],
    udp: await askByUdp(address, Buffer.from("a datagram, to come back as it is")),
    longUdp: await askByUdp(address, Buffer.alloc(1472, 0x5a)),
  };
}

async function main(words: readonly string[]): Promise<void> {
  const cut = words.indexOf("--");
  const [program = "", ...options] = words.slice(cut + 1);
  const devices = words.slice(0, cut).map((word): Device => {
    const [name = "", tap = "", network = ""] = word.split("=");
    return { name, tap, network };
  });
  devices.forEach(makeTap);
  const guest = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(guest, "exit");
  try {
    const said = await readLines(guest, devices.length);
    const answers = [];
    for (const device of devices) answers.push(await ask(device));
    console.log(JSON.stringify({ said, answers }));
  } finally {
    guest.kill();
    await ended;
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
