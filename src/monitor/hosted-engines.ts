import type { EngineName } from "./engine-choice.ts";
import type { HostedEngine } from "./hosted-machine.ts";

export type HostedEngineName = Exclude<EngineName, "process">;

/** The engines by which a command runs a guest in its own process. Each is loaded where it is needed alone: the other's tables cost time. */
export const HOSTED_ENGINES: Readonly<Record<HostedEngineName, () => Promise<HostedEngine>>> = {
  kvm: async () => (await import("./kvm-machine.ts")).KVM,
  emulator: async () => {
    const { EMULATOR } = await import("./emulator-machine.ts");
    const { loadEmulator } = await import("./load-emulator.ts");
    const { useLaterWebAssembly } = await import("../host/webassembly.ts");
    // First the program: V8 takes no code cache that was made with other flags.
    loadEmulator();
    useLaterWebAssembly();
    return EMULATOR;
  },
};
