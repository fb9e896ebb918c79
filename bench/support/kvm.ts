import { accessSync, constants } from "node:fs";

/** What a measurement on such a KVM must be told with. */
export const EMULATED_KVM_NOTE =
  "this host's KVM emulates the processor: guests run some hundred times slower than on hardware, and exits take longer";

/** @throws where this process may not use KVM: there is nothing to measure then. */
export function requireKvm(): void {
  accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
}
