import { BUBBLEWRAP } from "./bubblewrap.ts";
import { CLOUD_HYPERVISOR } from "./cloud-hypervisor.ts";
import { CRUN } from "./crun.ts";
import { DOCKER } from "./docker.ts";
import { FIRECRACKER } from "./firecracker.ts";
import { NATIVE, NATIVE_TAP, NATIVE_VETH } from "./native.ts";
import { PODMAN } from "./podman.ts";
import { QEMU_KVM, QEMU_MICROVM, QEMU_TCG } from "./qemu.ts";
import { RUNC } from "./runc.ts";
import { RUNSC } from "./runsc.ts";
import { SKIFF_EMULATOR } from "./skiff-emulator.ts";
import { SKIFF_KVM } from "./skiff-kvm.ts";
import { SKIFF_PROCESS } from "./skiff-process.ts";
import { SOLO5_HVT, SOLO5_SPT } from "./solo5.ts";
import { SYSTEMD_NSPAWN } from "./systemd-nspawn.ts";
import type { Target } from "./target.ts";
import { XL } from "./xl.ts";

/** All targets, in the order of a report's rows. A new one is one import and one word here. */
export const TARGETS: readonly Target[] = [
  NATIVE,
  NATIVE_VETH,
  NATIVE_TAP,
  BUBBLEWRAP,
  RUNC,
  CRUN,
  DOCKER,
  PODMAN,
  SYSTEMD_NSPAWN,
  RUNSC,
  SKIFF_PROCESS,
  SKIFF_KVM,
  SKIFF_EMULATOR,
  SOLO5_SPT,
  SOLO5_HVT,
  FIRECRACKER,
  CLOUD_HYPERVISOR,
  XL,
  QEMU_KVM,
  QEMU_MICROVM,
  QEMU_TCG,
];
