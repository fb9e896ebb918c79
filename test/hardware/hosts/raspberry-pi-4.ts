import type { HostDescription } from "../host.ts";
import { BOARD_SUITES, NODE_ARM64 } from "./arm.ts";

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
  node: NODE_ARM64,
  imageArchitecture: "aarch64",
  suites: BOARD_SUITES,
  timeLimitSeconds: 300,
};
