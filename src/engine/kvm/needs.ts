import type { CAPABILITY } from "./numbers.ts";

/** A capability that the engine cannot do without, and the Linux that brought it. */
export interface Need {
  readonly capability: keyof typeof CAPABILITY;
  readonly linux: string;
}

const MEMORY: Need = { capability: "KVM_CAP_USER_MEMORY", linux: "2.6.24" };
const NEEDS: Readonly<Record<"x86-64" | "aarch64", readonly Need[]>> = {
  "x86-64": [MEMORY, { capability: "KVM_CAP_GET_TSC_KHZ", linux: "2.6.39" }],
  aarch64: [
    MEMORY,
    { capability: "KVM_CAP_ONE_REG", linux: "3.6" },
    { capability: "KVM_CAP_IMMEDIATE_EXIT", linux: "4.11" },
  ],
};

/** The first of the engine's needs that a KVM lacks. */
export function missingNeed(
  kvm: { readonly capability: (name: Need["capability"]) => number },
  architecture: keyof typeof NEEDS,
): Need | undefined {
  return NEEDS[architecture].find(({ capability }) => kvm.capability(capability) <= 0);
}
