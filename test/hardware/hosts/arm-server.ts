import type { HostDescription } from "../host.ts";
import { NODE_ARM64 } from "./arm.ts";

/** An Arm server: GICv3 and KVM with VHE, and every extension that QEMU knows. */
export const armServer: HostDescription = {
  name: "arm-server",
  summary: "all of Arm that QEMU knows, GICv3, KVM with VHE",
  qemu: {
    program: "qemu-system-aarch64",
    args: ["-M", "virt,virtualization=on,gic-version=3", "-cpu", "max,pauth-impdef=on"],
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
  suites: ["bed", "doctor", "process-images", "kvm-machine", "kvm-net", "kvm-debug", "kvm-ring"],
  timeLimitSeconds: 300,
};
