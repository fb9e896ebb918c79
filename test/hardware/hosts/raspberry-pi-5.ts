import type { HostDescription } from "../host.ts";
import { BOARD_SUITES, NODE_ARM64 } from "./arm.ts";

/** A Raspberry Pi 5 as its own system starts it: Cortex-A76, GICv2, KVM with VHE, pages of 16 KiB. */
export const raspberryPi5: HostDescription = {
  name: "raspberry-pi-5",
  summary: "Cortex-A76, GICv2, 16 KiB pages, KVM with VHE",
  qemu: {
    program: "qemu-system-aarch64",
    args: ["-M", "virt,virtualization=on,gic-version=2", "-cpu", "cortex-a76"],
  },
  cpus: 2,
  memoryMib: 2048,
  kernel: {
    debianArchitecture: "arm64",
    debianPackage: "linux-image-arm64-16k",
    debianRelease: "bookworm-backports",
    pageBytes: 16384,
    modules: ["kernel/drivers/net/tun.ko"],
    console: "ttyAMA0",
  },
  node: NODE_ARM64,
  imageArchitecture: "aarch64",
  suites: BOARD_SUITES,
  timeLimitSeconds: 300,
};
