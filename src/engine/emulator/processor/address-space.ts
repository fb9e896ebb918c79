/** Virtual addresses as the translation registers have them now. */
import type { ProcessorState } from "./state.ts";
import { type AccessKind, type Translation, translate } from "./translate.ts";

/** @param isUser with the rights of EL0. */
export function translateNow(
  { registers, memory }: ProcessorState,
  virtual: bigint,
  kind: AccessKind,
  isUser: boolean,
): Translation {
  const values = {
    sctlr: registers.get("sctlr_el1"),
    tcr: registers.get("tcr_el1"),
    ttbr0: registers.get("ttbr0_el1"),
    ttbr1: registers.get("ttbr1_el1"),
    mair: registers.get("mair_el1"),
  };
  const read = (address: number) => {
    const host = memory.host(address, 8);
    return host === undefined ? undefined : memory.view.getBigUint64(host, true);
  };
  return translate(values, read, virtual, kind, isUser);
}
