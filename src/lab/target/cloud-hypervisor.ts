import { type Machine, type MachineNet, microvmTarget } from "./microvm-monitor.ts";

/** A monitor for cloud workloads, built from the same parts as Firecracker. */
export const CLOUD_HYPERVISOR = microvmTarget({
  name: "cloud-hypervisor",
  title: "Cloud Hypervisor",
  mend: "take it from github.com/cloud-hypervisor/cloud-hypervisor/releases and put it on PATH as cloud-hypervisor",
  version: /^cloud-hypervisor v?(\d+\.\d+\S*)/m,
  console: { "x86-64": "ttyS0", aarch64: "ttyAMA0" },
  modules: ["virtio_pci", "virtio_net"],
  restarts: true,
  command: (machine) => ({ words: words(machine) }),
});

/** Its own options (Cloud Hypervisor, README.md and docs/networking.md). */
function words({ kernel, initramfs, append, processors, memoryMib, net }: Machine): string[] {
  return [
    ["--kernel", kernel],
    ...(initramfs === undefined ? [] : [["--initramfs", initramfs]]),
    ...(append === "" ? [] : [["--cmdline", append]]),
    ["--cpus", `boot=${processors}`],
    ["--memory", `size=${memoryMib}M`],
    ["--console", "off"],
    ["--serial", "tty"],
    ...(net === undefined ? [] : [["--net", netOptions(net)]]),
  ].flat();
}

/**
 * With the address that the tap has: in a network namespace without a /sys of its own Cloud Hypervisor takes the tap for a
 * new one, and gives it an address (net_util/src/open_tap.rs).
 */
function netOptions({ tap, mac, hostAddress, prefixBits }: MachineNet): string {
  return `tap=${tap},mac=${mac},ip=${hostAddress},mask=${netmask(prefixBits)}`;
}

function netmask(prefixBits: number): string {
  const mask = new DataView(new ArrayBuffer(4));
  mask.setUint32(0, (2 ** 32 - 2 ** (32 - prefixBits)) >>> 0);
  return new Uint8Array(mask.buffer).join(".");
}
