import type { Architecture } from "../../format/image.ts";
import type { KvmFacts } from "../../host/probe/kvm.ts";
import { findProgram, runProgram } from "../../host/probe/program.ts";
import { hostArchitecture } from "../../monitor/engine-choice.ts";
import type { Instance } from "../instance/instance.ts";
import { launchInstance } from "../instance/launch-instance.ts";
import { withOwn } from "../instance/with-own.ts";
import { type Lack, lack } from "../lack.ts";
import { type Boot, type Bootable, makeBoot, refuseBoot } from "../linux-guest/boot.ts";
import { findGuestParts } from "../linux-guest/find-parts.ts";
import type { GuestKernel } from "../linux-guest/kernel.ts";
import type { Link, NetworkPath } from "../network.ts";
import type { Program } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { lackOfRealKvm } from "./kvm-lack.ts";
import { processSecurity } from "./process-security.ts";
import type { Available, Launcher, StartOptions, Target, Unavailable } from "./target.ts";

interface Hardware {
  /** Words for `-machine`; undefined where QEMU has none such. */
  readonly machine: string | undefined;
  readonly netDevice: string;
  readonly modules: readonly string[];
  readonly bootable: Bootable;
}

type MachineName = "usual" | "microvm";
type Accelerator = "tcg" | "kvm";

const EMULATORS: Readonly<Record<Architecture, { readonly program: string; readonly console: string }>> = {
  "x86-64": { program: "qemu-system-x86_64", console: "ttyS0" },
  aarch64: { program: "qemu-system-aarch64", console: "ttyAMA0" },
};

const PCI = { netDevice: "virtio-net-pci,romfile=", modules: ["virtio_pci", "virtio_net"] };
const MMIO = { netDevice: "virtio-net-device", modules: ["virtio_mmio", "virtio_net"] };
/** A PC alone has firmware that boots disks, and a multiboot loader. */
const PC: Bootable = { solo5: "virtio", disks: true };
const KERNELS: Bootable = { solo5: undefined, disks: false };
const HARDWARE: Readonly<Record<Architecture, Readonly<Record<MachineName, Hardware>>>> = {
  "x86-64": {
    usual: { machine: "pc", ...PCI, bootable: PC },
    microvm: { machine: "microvm", ...MMIO, bootable: KERNELS },
  },
  aarch64: {
    usual: { machine: "virt", ...PCI, bootable: KERNELS },
    microvm: { machine: undefined, ...MMIO, bootable: KERNELS },
  },
};

/** The filters that libvirt asks of QEMU, too (QEMU's manual, -sandbox). */
const SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
const LIMIT_MS = 2_000;
const TAP_DESCRIPTOR = 3;

export const QEMU_TCG = qemu("qemu-tcg", "QEMU, software emulation (TCG)", "usual", "tcg");
export const QEMU_KVM = qemu("qemu-kvm", "QEMU, KVM", "usual", "kvm");
/** With KVM's clock only: without it the guest can set its clocks by the PIT alone, and hangs where the host is busy. */
export const QEMU_MICROVM = qemu("qemu-microvm", "QEMU, KVM, microvm machine", "microvm", "kvm");

/** A whole Linux in a virtual machine, with the workload as its first process. */
function qemu(name: string, title: string, machine: MachineName, accelerator: Accelerator): Target {
  return { name, title, probe: async (bench) => probe(machine, accelerator, bench) };
}

interface Found {
  readonly emulator: string;
  readonly kernel: GuestKernel;
  readonly busybox: string;
  readonly console: string;
  readonly hardware: Hardware;
  readonly accelerator: Accelerator;
}

async function probe(
  machine: MachineName,
  accelerator: Accelerator,
  bench: Workbench,
): Promise<Available | Unavailable> {
  const found = find(machine, accelerator, bench.host.kvm);
  if ("reason" in found) return { available: false, ...found };
  const { output } = await runProgram(found.emulator, ["--version"], LIMIT_MS);
  const version = /version (\S+)/.exec(output)?.[1] ?? output.trim();
  return {
    available: true,
    version: `QEMU ${version}, Linux ${found.kernel.release}`,
    found: `${found.emulator}, ${found.kernel.path}`,
    paths: bench.network === undefined ? [] : ["tap"],
    refuse: (program) => refuseBoot(program, found.hardware.bootable),
    prepare: async (program, path, workbench) => prepare(found, program, path, workbench),
    security: async (instance) => ({
      ...processSecurity(instance),
      kernel: "own",
      note: "the columns are about QEMU's own process, with its filter on",
    }),
  };
}

function find(machine: MachineName, accelerator: Accelerator, kvm: KvmFacts): Found | Lack {
  const architecture = hostArchitecture();
  const { program, console } = EMULATORS[architecture];
  const hardware = HARDWARE[architecture][machine];
  if (hardware.machine === undefined) return lack(`QEMU has no microvm machine for ${architecture}`);
  const emulator = findProgram(program);
  if (emulator === undefined) {
    const name = architecture === "x86-64" ? "qemu-system-x86" : "qemu-system-arm";
    return lack(`${program} is not installed`, `apt-get install ${name}`);
  }
  const lacking = accelerator === "kvm" ? lackOfRealKvm(kvm) : undefined;
  if (lacking !== undefined) return lacking;
  const parts = findGuestParts(architecture);
  return "reason" in parts ? parts : { emulator, ...parts, console, hardware, accelerator };
}

function prepare(found: Found, program: Program, path: NetworkPath | undefined, bench: Workbench): Launcher {
  const { modules, bootable } = found.hardware;
  const boot = makeBoot(program, bootable, { ...found, modules }, bench.folder("qemu"));
  return {
    commandLine: [found.emulator, ...qemuWords(found, boot, 1, path && "places")],
    imageBytes: boot.imageBytes,
    start: async ({ cores, link }: StartOptions) => {
      const descriptors = link?.path === "tap" ? [link.descriptor] : [];
      const args = qemuWords(found, boot, cores.length, link);
      return onConsole(launchInstance({ path: found.emulator, args, descriptors, cores }, bench));
    },
    close: async () => {},
  };
}

function qemuWords(found: Found, boot: Boot, cores: number, link: Link | "places" | undefined): string[] {
  const { hardware, accelerator } = found;
  const mac = typeof link === "object" && link.path === "tap" ? link.mac : "<mac>";
  const net = [
    ["-netdev", `tap,id=net,fd=${TAP_DESCRIPTOR}`],
    ["-device", `${hardware.netDevice},netdev=net,mac=${mac}`],
  ];
  return [
    ["-machine", hardware.machine ?? ""],
    ["-accel", accelerator],
    ["-cpu", accelerator === "kvm" ? "host" : "max"],
    ["-smp", String(cores)],
    ["-m", `${boot.memoryMib}M`],
    ["-nodefaults", "-no-user-config", "-no-reboot"],
    ["-display", "none"],
    ["-serial", "stdio"],
    ["-sandbox", SANDBOX],
    ...bootWords(boot, link),
    ...(link === undefined ? [] : net),
  ].flat();
}

function bootWords({ kernel, initramfs, disk, append }: Boot, link: Link | "places" | undefined): string[][] {
  if (disk !== undefined) {
    // Commas part options.
    const file = disk.path.replaceAll(",", ",,");
    return [["-drive", `file=${file},format=${disk.format},if=virtio,snapshot=on`]];
  }
  const words = append(link);
  return [
    ["-kernel", kernel ?? ""],
    ...(initramfs === undefined ? [] : [["-initrd", initramfs]]),
    ...(words === "" ? [] : [["-append", words]]),
  ];
}

/** A terminal ends lines by a carriage return as well. */
function onConsole(instance: Instance): Instance {
  return withOwn(instance, { output: () => instance.output().replaceAll("\r\n", "\n") });
}
