import { lack } from "../lack.ts";
import { FILE, type Machine, microvmTarget } from "./microvm-monitor.ts";

/** The first version that tells its devices by ACPI: Debian's kernel does not read them from its command line. */
const ACPI_SINCE = [1, 8] as const;

/** The monitor of AWS Lambda and Fargate. */
export const FIRECRACKER = microvmTarget({
  name: "firecracker",
  title: "Firecracker",
  mend: "take it from github.com/firecracker-microvm/firecracker/releases and put it on PATH as firecracker",
  version: /^Firecracker v(\d+\.\d+\S*)/m,
  refuseVersion: (version, architecture) => {
    const [major = 0, minor = 0] = version.split(".").map((word) => Number.parseInt(word, 10));
    const isRecent = major > ACPI_SINCE[0] || (major === ACPI_SINCE[0] && minor >= ACPI_SINCE[1]);
    if (isRecent || architecture !== "x86-64") return undefined;
    const reason = `Firecracker ${version} shows Debian's kernel no devices`;
    return lack(reason, `take Firecracker ${ACPI_SINCE.join(".")} or later`);
  },
  console: { "x86-64": "ttyS0", aarch64: "ttyS0" },
  modules: ["virtio_mmio", "virtio_net"],
  restarts: false,
  command: (machine) => ({ words: ["--no-api", "--level", "Error", "--config-file", FILE], file: configOf(machine) }),
});

/** As its API takes them (Firecracker docs/getting-started.md, "configuring the microVM without sending API requests"). */
function configOf({ kernel, initramfs, append, processors, memoryMib, net }: Machine): string {
  const interfaces = net === undefined ? [] : [{ iface_id: "eth0", guest_mac: net.mac, host_dev_name: net.tap }];
  return JSON.stringify({
    "boot-source": {
      kernel_image_path: kernel,
      boot_args: append,
      ...(initramfs === undefined ? {} : { initrd_path: initramfs }),
    },
    drives: [],
    "machine-config": { vcpu_count: processors, mem_size_mib: memoryMib },
    "network-interfaces": interfaces,
  });
}
