/** KVM_SET_GUEST_DEBUG of AArch64 (Linux Documentation/virt/kvm/api.rst) by its debug registers. */
import type { DebugControl, DebugHit, DebugLimits, HardwareBreak } from "../engine.ts";
import type { Kvm } from "./kvm.ffi.ts";
import { EXIT_DEBUG_ARM, GUEST_DEBUG, RUN } from "./numbers.ts";

/** `struct kvm_guest_debug`: control, padding; control and value of 16 breakpoints, then of 16 watchpoints. */
const PLACES = 16;
const BREAK_CONTROL = 8;
const BREAK_VALUE = BREAK_CONTROL + PLACES * 8;
const WATCH_CONTROL = BREAK_VALUE + PLACES * 8;
const WATCH_VALUE = WATCH_CONTROL + PLACES * 8;
const BYTES = WATCH_VALUE + PLACES * 8;

/** Enabled, at EL1 and EL0 (Arm ARM, DDI 0487, D17.3.2 and D17.3.12). */
const ENABLED = 1 | (3 << 1);
/** All four bytes of an instruction. */
const INSTRUCTION_BYTES = 0xf << 5;
const LOAD_STORE: Readonly<Record<HardwareBreak["kind"], number>> = { execute: 0, read: 1, write: 2, access: 3 };
/** Watchpoints watch bytes of 8 that are aligned. */
const WATCHED_BYTES = 8;

/** Exception classes of a watchpoint, from a lower level and from the same (D17.2.37). */
const WATCHPOINTS: ReadonlySet<number> = new Set([0x34, 0x35]);

export function debugLimits(kvm: Kvm): DebugLimits {
  const executeMax = Math.min(PLACES, kvm.capability("KVM_CAP_GUEST_DEBUG_HW_BPS"));
  const dataMax = Math.min(PLACES, kvm.capability("KVM_CAP_GUEST_DEBUG_HW_WPS"));
  const breakpointInstruction = Uint8Array.of(0x00, 0x00, 0x20, 0xd4); // brk #0
  return { breakpointInstruction, executeMax, dataMax, totalMax: executeMax + dataMax };
}

/** The argument of KVM_SET_GUEST_DEBUG. @throws RangeError where the breaks are too many, or not of a length that there is. */
export function guestDebug({ step, breakpointInstruction, hardware }: DebugControl): Uint8Array {
  const argument = new DataView(new ArrayBuffer(BYTES));
  const control =
    (step ? GUEST_DEBUG.step : 0) |
    (breakpointInstruction ? GUEST_DEBUG.breakpointInstruction : 0) |
    (hardware.length > 0 ? GUEST_DEBUG.hardware : 0);
  if (control !== 0) argument.setUint32(0, control | GUEST_DEBUG.enable, true);
  const execute = hardware.filter(({ kind }) => kind === "execute");
  const data = hardware.filter(({ kind }) => kind !== "execute");
  if (execute.length > PLACES || data.length > PLACES) throw new RangeError(`${hardware.length} hardware breaks`);
  for (const [index, { address }] of execute.entries()) {
    argument.setBigUint64(BREAK_CONTROL + index * 8, BigInt(ENABLED | INSTRUCTION_BYTES), true);
    argument.setBigUint64(BREAK_VALUE + index * 8, address, true);
  }
  for (const [index, { kind, address, bytes }] of data.entries()) {
    const offset = Number(address % BigInt(WATCHED_BYTES));
    if (offset + bytes > WATCHED_BYTES) throw new RangeError(`a hardware break of ${bytes} bytes`);
    const watched = ((1 << bytes) - 1) << offset;
    argument.setBigUint64(WATCH_CONTROL + index * 8, BigInt(ENABLED | (LOAD_STORE[kind] << 3) | (watched << 5)), true);
    argument.setBigUint64(WATCH_VALUE + index * 8, address - BigInt(offset), true);
  }
  return new Uint8Array(argument.buffer);
}

/** What ended the run; a watchpoint's address may lie beside what is watched, inside the same access (D2.10.5). */
export function debugHit(run: DataView, hardware: readonly HardwareBreak[]): DebugHit {
  const exceptionClass = run.getUint32(RUN.exit + EXIT_DEBUG_ARM.syndrome, true) >>> 26;
  if (!WATCHPOINTS.has(exceptionClass)) return {};
  const at = run.getBigUint64(RUN.exit + EXIT_DEBUG_ARM.address, true);
  const distance = ({ address, bytes }: HardwareBreak) =>
    at < address ? address - at : at < address + BigInt(bytes) ? 0n : at - address - BigInt(bytes) + 1n;
  const [watch] = hardware
    .filter(({ kind }) => kind !== "execute")
    .sort((a, b) => (distance(a) < distance(b) ? -1 : distance(a) > distance(b) ? 1 : 0));
  return watch === undefined ? {} : { watch };
}
