import type { Instance } from "./instance.ts";

/** The instance with methods of its own in place of some. */
export function withOwn(instance: Instance, own: Partial<Instance>): Instance {
  return {
    startedNs: instance.startedNs,
    firstOutput: (limitMs) => instance.firstOutput(limitMs),
    exited: (limitMs) => instance.exited(limitMs),
    output: () => instance.output(),
    pids: () => instance.pids(),
    stop: () => instance.stop(),
    ...own,
  };
}
