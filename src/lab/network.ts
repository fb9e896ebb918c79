import type { NetworkNamespace } from "../host/network-namespace.ffi.ts";

/**
 * How a client's packets reach a server:
 * - `loopback`: both in the client's namespace, by its loopback;
 * - `veth`: the server's sockets in a namespace of their own, a veth pair between the two;
 * - `tap`: the server's own network stack on a tap, whose host side is in the client's namespace.
 *
 * Numbers over different paths must not be compared without saying so: the path stands in every sample.
 */
export type NetworkPath = "loopback" | "veth" | "tap";

/** One server's place in the lab's network. IPv4 addresses are dotted, e.g. `10.200.0.2`. */
export type Link = LoopbackLink | VethLink | TapLink;

interface LinkBase {
  readonly serverAddress: string;
  readonly clientAddress: string;
  readonly prefixBits: number;
  /** Where the instance or its monitor is to be started. */
  readonly namespace: NetworkNamespace;
}

export interface LoopbackLink extends LinkBase {
  readonly path: "loopback";
}

export interface VethLink extends LinkBase {
  readonly path: "veth";
  /** The interface in the server's namespace; it has its address and is up. */
  readonly interface: string;
}

export interface TapLink extends LinkBase {
  readonly path: "tap";
  /** The tap in `namespace`, which is the client's; the host side has its address and is up. */
  readonly interface: string;
  /** For the server's side, e.g. `02:00:0a:c8:00:02`. */
  readonly mac: string;
  /**
   * The tap's only queue, open, without packet information, non-blocking: give it to the instance by inheritance
   * (`LaunchOptions.descriptors`). A target whose monitor opens the tap by name calls `release` before.
   */
  readonly descriptor: number;
  /** Closes the descriptor; the tap stays until the link goes. */
  readonly release: () => void;
}

/**
 * The namespaces, veth pairs and taps of one run. All are held by descriptors of this process alone, so that they go with
 * it, however it ends. Nothing of them can be reached from the host's own namespace, and nothing reaches out.
 */
export interface Network {
  /** Where clients run. */
  readonly client: NetworkNamespace;
  /**
   * Makes a link with addresses of its own. Thousands can be there at the same time.
   * @throws SampleError where this host has no taps.
   */
  readonly connect: (path: NetworkPath) => Link;
  /** Removes a link; its instance must have ended. */
  readonly disconnect: (link: Link) => void;
  /** Removes everything. */
  readonly close: () => void;
}
