import type { KvmFacts } from "../../host/probe/kvm.ts";
import { type Lack, lack } from "../lack.ts";

/** Must stand beside every number that was taken on such a KVM. */
export const EMULATED_KVM = "KVM is emulated here: its numbers say nothing about hardware";

/** Why guests cannot run on this host's KVM at all; undefined where they can, if only emulated. */
export function lackOfKvm({ state }: KvmFacts): Lack | undefined {
  switch (state) {
    case "real":
    case "emulated":
      return undefined;
    case "denied":
      return lack("this user may not open /dev/kvm", "usermod --append --groups kvm $USER, and log in again");
    case "absent":
    case "broken":
      return lack("there is no KVM that works; skiff doctor tells why", "skiff doctor");
  }
}

/** The same for a monitor whose guests need the processor's help. */
export function lackOfRealKvm(kvm: KvmFacts): Lack | undefined {
  if (kvm.state !== "emulated") return lackOfKvm(kvm);
  return lack(
    "KVM is there, but emulated: a Linux guest does not come up on it",
    "take a host with hardware virtualization of its own",
  );
}
