import type { EngineName } from "./engine-choice.ts";
import type { HostedEngine } from "./hosted-machine.ts";

export type HostedEngineName = Exclude<EngineName, "process">;

/** The engines that run guests in this process. Each is loaded where it is needed alone: the other's tables cost time. */
export const HOSTED_ENGINES: Readonly<Record<HostedEngineName, () => Promise<HostedEngine>>> = {
  kvm: async () => (await import("./kvm-machine.ts")).KVM,
  emulator: async () => (await import("./emulator-machine.ts")).EMULATOR,
};
