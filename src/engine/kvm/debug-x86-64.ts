/** KVM_SET_GUEST_DEBUG of x86-64 (Linux Documentation/virt/kvm/api.rst) by its debug registers. */
import type { DebugControl, DebugHit, DebugLimits, HardwareBreak } from "../engine.ts";
import { EXIT_DEBUG_X86, GUEST_DEBUG, RUN } from "./numbers.ts";

/** `struct kvm_guest_debug`: control, padding, eight debug registers. */
const BYTES = 72;
const DEBUG_REGISTERS = 8;
const DR7 = DEBUG_REGISTERS + 7 * 8;
/** Both exact-breakpoint enables' and the bit that always reads as one (Intel SDM volume 3, 17.2.4). */
const DR7_FIXED = (1 << 9) | (1 << 10);
/** Four breaks, for instructions or data. */
const BREAKS = 4;

export const DEBUG_LIMITS: DebugLimits = {
  breakpointInstruction: Uint8Array.of(0xcc), // int3
  executeMax: BREAKS,
  dataMax: BREAKS,
  totalMax: BREAKS,
};

/** Fields of DR7 (17.2.4); no processor has one for reads alone. */
const TYPE: Readonly<Record<HardwareBreak["kind"], number>> = { execute: 0, write: 1, read: 3, access: 3 };
const LENGTH: Readonly<Record<number, number>> = { 1: 0, 2: 1, 4: 3, 8: 2 };

/** The argument of KVM_SET_GUEST_DEBUG. @throws RangeError where the breaks are too many, or not of a length that there is. */
export function guestDebug({ step, breakpointInstruction, hardware }: DebugControl): Uint8Array {
  const argument = new DataView(new ArrayBuffer(BYTES));
  if (hardware.length > BREAKS) throw new RangeError(`${hardware.length} hardware breaks, at most ${BREAKS}`);
  const control =
    (step ? GUEST_DEBUG.step : 0) |
    (breakpointInstruction ? GUEST_DEBUG.breakpointInstruction : 0) |
    (hardware.length > 0 ? GUEST_DEBUG.hardware : 0);
  if (control !== 0) argument.setUint32(0, control | GUEST_DEBUG.enable, true);
  let dr7 = DR7_FIXED;
  for (const [index, { kind, address, bytes }] of hardware.entries()) {
    const length = kind === "execute" ? LENGTH[1] : LENGTH[bytes];
    if (length === undefined) throw new RangeError(`a hardware break of ${bytes} bytes`);
    argument.setBigUint64(DEBUG_REGISTERS + index * 8, address, true);
    const globalEnable = 2 << (2 * index);
    dr7 |= globalEnable | (TYPE[kind] << (16 + 4 * index)) | (length << (18 + 4 * index));
  }
  argument.setBigUint64(DR7, BigInt(dr7 >>> 0), true);
  return new Uint8Array(argument.buffer);
}

/** What ended the run, by DR6's bits (17.2.3). */
export function debugHit(run: DataView, hardware: readonly HardwareBreak[]): DebugHit {
  const dr6 = run.getUint32(RUN.exit + EXIT_DEBUG_X86.dr6, true);
  const watch = hardware.find(({ kind }, index) => kind !== "execute" && (dr6 & (1 << index)) !== 0);
  return watch === undefined ? {} : { watch };
}
