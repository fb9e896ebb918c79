import { EMULATED_KVM, lackOfKvm } from "./kvm-lack.ts";
import { probeSkiffRun } from "./skiff-run.ts";
import type { Target } from "./target.ts";

/** Skiff's KVM engine, as `skiff run` starts it. */
export const SKIFF_KVM: Target = {
  name: "skiff-kvm",
  title: "Skiff, KVM engine",
  probe: async (bench) => {
    const { kvm } = bench.host;
    const lacking = lackOfKvm(kvm);
    if (lacking !== undefined) return { available: false, ...lacking };
    const found = probeSkiffRun("kvm", bench);
    return found.available && kvm.state === "emulated" ? { ...found, warning: EMULATED_KVM } : found;
  },
};
