import { spawnSync } from "node:child_process";
import { closeSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { connectSocket } from "../../src/host/socket.ffi.ts";
import { openTap } from "../../src/host/tap.ffi.ts";
import { makeNetwork } from "../../src/lab/make-network.ts";
import type { Link, Network, NetworkPath } from "../../src/lab/network.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { ownDescriptors } from "../support/process-state.ts";

describeWith([root, program("ip", "iproute2"), program("ping", "iputils-ping")], "the lab's network", () => {
  let network: Network;

  beforeEach(() => {
    const made = makeNetwork();
    if (made === undefined) throw new Error("root may make namespaces");
    network = made;
  });

  afterEach(() => network.close());

  const ip = (where: Pick<Network["client"], "inside">, ...words: string[]) =>
    where.inside(() => spawnSync("ip", words, { encoding: "utf8" }).stdout);

  const ping = (link: Link) =>
    network.client.inside(() => spawnSync("ping", ["-c", "1", "-W", "5", link.serverAddress]).status);

  it("joins a server's namespace to the client's by a veth, as often as asked", () => {
    const links = [network.connect("veth"), network.connect("veth")];
    expect(new Set(links.map(({ serverAddress }) => serverAddress)).size).toBe(2);
    expect(links.map(ping)).toEqual([0, 0]);
    const [first] = links;
    if (first === undefined) throw new Error("there are two");
    expect(ip(first.namespace, "-brief", "address", "show", "eth0")).toContain(`${first.serverAddress}/30`);
    network.disconnect(first);
    expect(ping(first)).not.toBe(0);
    expect(ip(network.client, "-brief", "link")).not.toContain("veth0");
    expect(network.connect("veth").serverAddress).toBe(first.serverAddress);
  });

  it("has loopback within the client's namespace", () => {
    expect(ping(network.connect("loopback"))).toBe(0);
  });

  it("makes taps that go with their link, held or opened by name", () => {
    const tap = network.connect("tap");
    const other = network.connect("tap");
    if (tap.path !== "tap" || other.path !== "tap") throw new Error("a tap was asked for");
    expect(ip(network.client, "-brief", "address")).toContain(`${tap.clientAddress}/30`);
    other.release();
    const opening = network.client.inside(() => openTap(other.interface));
    if (!("descriptor" in opening)) throw new Error(opening.refusal);
    closeSync(opening.descriptor);
    network.disconnect(tap);
    network.disconnect(other);
    expect(ip(network.client, "-brief", "link")).not.toContain("tap");
  });

  it("leaves nothing in the host's own namespace, and no descriptor", () => {
    const names = () => spawnSync("ip", ["-brief", "link"], { encoding: "utf8" }).stdout;
    const before = { names: names(), descriptors: ownDescriptors().size };
    const another = makeNetwork();
    for (const path of ["loopback", "veth", "tap"] satisfies NetworkPath[]) another?.connect(path);
    expect(names()).toBe(before.names);
    another?.close();
    expect(names()).toBe(before.names);
    expect(ownDescriptors().size).toBe(before.descriptors);
  });

  it("reaches nothing outside", () => {
    const reached = network.client.inside(() => connectSocket({ transport: "udp", address: "8.8.8.8", port: 53 }, 100));
    expect(reached).toBeUndefined();
  });
});
