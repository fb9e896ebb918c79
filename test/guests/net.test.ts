import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Bundle, bundle } from "../bundle.ts";
import { ARCHITECTURES, type GuestArchitecture, nativeCommand, requirementsOf } from "./guest.ts";
import { describeWith, type Requirement } from "./requirement.ts";

const NETWORK_TOOLS: readonly Requirement[] = [
  ["unshare", "util-linux"],
  ["ip", "iproute2"],
  ["ping", "iputils-ping"],
];
const TIME_LIMIT_MS = 60_000;

interface Report {
  readonly said: readonly string[];
  readonly answers: readonly object[];
}

let peer: Bundle | undefined;
beforeAll(async () => {
  peer = await bundle("test/guests/echo-peer.ts");
});
afterAll(() => peer?.remove());

function namespaces(): readonly string[] {
  return process.getuid?.() === 0 ? ["--net"] : ["--net", "--map-root-user"];
}

/** Runs the peer and its guest in a network namespace that ends with them. */
function ask(devices: readonly string[], command: readonly string[]): Report {
  if (peer === undefined) throw new Error("the peer was not built");
  const words = [...namespaces(), "--", process.execPath, peer.path, ...devices, "--", ...command];
  return JSON.parse(execFileSync("unshare", words, { encoding: "utf8", timeout: TIME_LIMIT_MS }));
}

/** Gives devices63 all that it declares: taps in a network namespace, and one file after the other. */
function touchAll(architecture: GuestArchitecture, folder: string): string {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index).padStart(2, "0"));
  const disks = numbers(32).map((number) => {
    const path = join(folder, `block${number}`);
    writeFileSync(path, Buffer.alloc(1024));
    return `--block:block${number}=${path}`;
  });
  const nets = numbers(31).map((number) => `--net:net${number}=tap${number}`);
  const taps = numbers(31).map((number) => `ip tuntap add tap${number} mode tap && ip link set tap${number} up && `);
  const words = [...nativeCommand(architecture, "devices63"), ...disks, ...nets];
  return execFileSync("unshare", [...namespaces(), "--", "sh", "-c", `${taps.join("")}exec "$@"`, "sh", ...words], {
    encoding: "utf8",
    timeout: TIME_LIMIT_MS,
  });
}

const answered = { ping: "3 received", longPing: "3 received", udp: "same", longUdp: "same" };

for (const architecture of ARCHITECTURES) {
  describeWith([...requirementsOf(architecture), ...NETWORK_TOOLS], `network programs of ${architecture}`, () => {
    it("net answers ARP, ping and UDP echo", () => {
      const mac = "02:00:00:00:00:2a";
      const options = ["--net:service=tap0", `--net-mac:service=${mac}`, "--ipv4=10.0.7.2/24"];
      const { said, answers } = ask(["service=tap0=10.0.7"], [...nativeCommand(architecture, "net"), ...options]);
      expect(said).toEqual([`service: 10.0.7.2/24 at ${mac}, mtu 1500`]);
      expect(answers).toEqual([{ name: "service", mac, ...answered }]);
    });

    it("devices63 uses 31 taps and 32 files, each its own", () => {
      const folder = mkdtempSync(join(tmpdir(), "skiff-devices-"));
      try {
        expect(touchAll(architecture, folder)).toBe("devices63: ok\n");
        // Block N is filled with N + 1, and nothing is written past it.
        for (const [index, name] of readdirSync(folder).sort().entries()) {
          expect(readFileSync(join(folder, name))).toEqual(
            Buffer.concat([Buffer.alloc(512, index + 1), Buffer.alloc(512)]),
          );
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("net2 answers on two devices, each with an address of its own", () => {
      const options = ["--net:service0=tap0", "--net:service1=tap1"];
      const devices = ["service0=tap0=10.0.0", "service1=tap1=10.1.0"];
      const { said, answers } = ask(devices, [...nativeCommand(architecture, "net2"), ...options]);
      const macs = said.map((line) => / at (\S+),/.exec(line)?.[1]);
      expect(new Set(macs).size).toBe(2);
      expect(answers).toEqual([
        { name: "service0", mac: macs[0], ...answered },
        { name: "service1", mac: macs[1], ...answered },
      ]);
    });
  });
}
