import { spawnSync } from "node:child_process";
import { closeSync, writeFileSync } from "node:fs";
import { lendCapabilities } from "../host/capability.ffi.ts";
import { HostError } from "../host/error.ts";
import { makeNetworkNamespace, type NetworkNamespace } from "../host/network-namespace.ffi.ts";
import { findProgram } from "../host/probe/program.ts";
import { createTap, keepTap } from "../host/tap.ffi.ts";
import { SampleError } from "./lack.ts";
import type { Link, LoopbackLink, Network, NetworkPath, TapLink, VethLink } from "./network.ts";

/** Links get consecutive networks of four addresses from here on: 10.200.0.0/30, 10.200.0.4/30, … */
const FIRST_ADDRESS = 0x0ac8_0000;
const LINK_ADDRESSES = 4;
const LINKS_MAX = 16384;
const PREFIX_BITS = 30;
const SERVER_INTERFACE = "eth0";

/**
 * Settings of a namespace: no IPv6, whose first packets would be measured with the workload's; a neighbour that does not
 * answer yet is asked again every few milliseconds instead of every second, as a start is measured to its first answer;
 * and ports below 1024 are anyone's, since servers run without the lab's rights.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  "ipv6/conf/all/disable_ipv6": "1",
  "ipv6/conf/default/disable_ipv6": "1",
  "ipv4/neigh/default/retrans_time_ms": "4",
  "ipv4/neigh/default/mcast_solicit": "2500",
  "ipv4/ip_unprivileged_port_start": "0",
};

/**
 * Makes the lab's network: the clients' namespace with its loopback.
 * @returns undefined where this process may not, or `ip` is missing.
 */
export function makeNetwork(): Network | undefined {
  const ip = findProgram("ip");
  if (ip === undefined) return undefined;
  let client: NetworkNamespace;
  try {
    client = makeNetworkNamespace();
  } catch (error) {
    if (error instanceof HostError && error.code === "EPERM") return undefined;
    throw error;
  }
  return new LabNetwork(client, ip);
}

interface HeldLink {
  readonly index: number;
  readonly remove: () => void;
}

class LabNetwork implements Network {
  readonly client: NetworkNamespace;
  readonly #ip: string;
  readonly #links = new Map<Link, HeldLink>();

  constructor(client: NetworkNamespace, ip: string) {
    this.client = client;
    this.#ip = ip;
    setUp(client, ip, []);
  }

  connect(path: NetworkPath): Link {
    const taken = new Set([...this.#links.values()].map(({ index }) => index));
    let index = 0;
    while (taken.has(index)) index++;
    if (index >= LINKS_MAX) throw new RangeError(`more than ${LINKS_MAX} links at once`);
    const { link, remove } = this.#make(path, index);
    this.#links.set(link, { index, remove });
    return link;
  }

  #make(path: NetworkPath, index: number): { readonly link: Link; readonly remove: () => void } {
    if (path === "loopback") return { link: loopbackLink(this.client), remove: () => {} };
    return path === "veth" ? vethLink(this.client, index, this.#ip) : tapLink(this.client, index, this.#ip);
  }

  disconnect(link: Link): void {
    this.#links.get(link)?.remove();
    this.#links.delete(link);
  }

  close(): void {
    for (const link of [...this.#links.keys()]) this.disconnect(link);
    this.client.close();
  }
}

function loopbackLink(client: NetworkNamespace): LoopbackLink {
  const address = "127.0.0.1";
  return { path: "loopback", namespace: client, serverAddress: address, clientAddress: address, prefixBits: 8 };
}

function addressesOf(index: number) {
  const network = FIRST_ADDRESS + index * LINK_ADDRESSES;
  return { clientAddress: dotted(network + 1), serverAddress: dotted(network + 2), prefixBits: PREFIX_BITS };
}

function bytesOf(address: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, address);
  return bytes;
}

function dotted(address: number): string {
  return bytesOf(address).join(".");
}

function vethLink(client: NetworkNamespace, index: number, ip: string): { link: VethLink; remove: () => void } {
  const addresses = addressesOf(index);
  const { clientAddress, serverAddress, prefixBits } = addresses;
  const namespace = makeNetworkNamespace();
  const name = `veth${index}`;
  try {
    runIp(client, ip, [
      `link add ${name} type veth peer name ${SERVER_INTERFACE} netns ${namespace.path}`,
      `address add ${clientAddress}/${prefixBits} dev ${name}`,
      `link set ${name} up`,
    ]);
    const serverLines = [
      `address add ${serverAddress}/${prefixBits} dev ${SERVER_INTERFACE}`,
      `link set ${SERVER_INTERFACE} up`,
      `route add default via ${clientAddress}`,
    ];
    setUp(namespace, ip, serverLines);
  } catch (error) {
    namespace.close();
    throw error;
  }
  const remove = () => {
    // At once, and not when the kernel comes to clearing the server's namespace away: the name is used again. Where the
    // server's end was moved on, the kernel may have done it.
    runIp(client, ip, [`link delete ${name}`], /Cannot find device/);
    namespace.close();
  };
  return { link: { path: "veth", namespace, interface: SERVER_INTERFACE, ...addresses }, remove };
}

function tapLink(client: NetworkNamespace, index: number, ip: string): { link: TapLink; remove: () => void } {
  const name = `tap${index}`;
  const network = FIRST_ADDRESS + index * LINK_ADDRESSES;
  const opening = client.inside(() => createTap(name, { address: bytesOf(network + 1), prefixBits: PREFIX_BITS }));
  if ("refusal" in opening)
    throw new SampleError(`no tap can be made (${opening.refusal}); skiff doctor tells the mend`);
  const { descriptor } = opening;
  let state: "held" | "released" = "held";
  const release = () => {
    if (state === "released") return;
    keepTap(descriptor);
    closeSync(descriptor);
    state = "released";
  };
  const remove = () => {
    if (state === "held") closeSync(descriptor);
    else runIp(client, ip, [`link delete ${name}`]);
  };
  const mac = [2, 0, ...bytesOf(network + 2)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
  const link: TapLink = {
    path: "tap",
    namespace: client,
    interface: name,
    mac,
    descriptor,
    release,
    ...addressesOf(index),
  };
  return { link, remove };
}

/** Brings a new namespace's loopback up, and what else is to be configured there. */
function setUp(namespace: NetworkNamespace, ip: string, lines: readonly string[]): void {
  namespace.inside(() => {
    for (const [name, value] of Object.entries(SETTINGS)) writeSetting(name, value);
  });
  runIp(namespace, ip, ["link set lo up", ...lines]);
}

/** A kernel may be built without it, e.g. without IPv6. */
function writeSetting(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/net/${name}`, value);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOENT" && code !== "EROFS" && code !== "EACCES") throw error;
  }
}

/** @param accepted what it may say of a line that it cannot do. */
function runIp(namespace: NetworkNamespace, ip: string, lines: readonly string[], accepted?: RegExp): void {
  const input = `${lines.join("\n")}\n`;
  // In a session of its own (libuv knows `detached` here as well): Ctrl-C ends the lab, and not its half-done work.
  const options = { input, encoding: "utf8", timeout: 10_000, detached: true } as const;
  const run = () => namespace.inside(() => lendCapabilities(() => spawnSync(ip, ["-batch", "-"], options)));
  const first = run();
  // A signal that came before it had its session ended it before it began.
  const { status, stderr, error } = first.signal === null || isTimeout(first.error) ? first : run();
  if (error !== undefined) throw error;
  if (status !== 0 && accepted?.test(stderr) !== true) throw new Error(`ip ${lines.join("; ip ")}: ${stderr.trim()}`);
}

function isTimeout(error: Error | undefined): boolean {
  return error !== undefined && "code" in error && error.code === "ETIMEDOUT";
}
