import { readField } from "./text.ts";

/* include/uapi/linux/capability.h */
export const CAP_NET_ADMIN = 12n;
export const CAP_SYS_RAWIO = 17n;

/** Whether the text of /proc/self/status shows a capability (capabilities(7)) as effective. */
export function holdsCapability(status: string | undefined, capability: bigint): boolean {
  const effective = readField(status, "CapEff");
  return effective !== undefined && ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n;
}
