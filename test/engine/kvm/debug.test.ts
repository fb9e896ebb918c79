import { describe, expect, it } from "vitest";
import type { DebugControl, HardwareBreak } from "../../../src/engine/engine.ts";
import { debugHit, guestDebug } from "../../../src/engine/kvm/debug-x86-64.ts";

// Linux include/uapi/linux/kvm.h and arch/x86/include/uapi/asm/kvm.h; `struct kvm_run`: exit at 32, DR6 16 bytes behind.
const ENABLE = 0x1;
const SINGLE_STEP = 0x2;
const USE_SW_BP = 0x1_0000;
const USE_HW_BP = 0x2_0000;
const EXIT = 32;
const DR6 = EXIT + 16;

const NOTHING: DebugControl = { step: false, breakpointInstruction: false, hardware: [] };

function asked(control: Partial<DebugControl>) {
  const bytes = guestDebug({ ...NOTHING, ...control });
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  expect(bytes.length).toBe(72);
  const registers = Array.from({ length: 8 }, (_, number) => view.getBigUint64(8 + 8 * number, true));
  return { control: view.getUint32(0, true), addresses: registers.slice(0, 4), dr7: Number(registers[7]) };
}

describe("KVM_SET_GUEST_DEBUG of x86-64", () => {
  it("asks for nothing, steps, and int3", () => {
    expect(asked({}).control).toBe(0);
    expect(asked({ step: true }).control).toBe(ENABLE | SINGLE_STEP);
    expect(asked({ breakpointInstruction: true }).control).toBe(ENABLE | USE_SW_BP);
  });

  it("sets the debug registers as the SDM has them (volume 3, 17.2.4)", () => {
    const hardware: readonly HardwareBreak[] = [
      { kind: "execute", address: 0x10_0004n, bytes: 1 },
      { kind: "write", address: 0x20_0000n, bytes: 1 },
      { kind: "access", address: 0x20_0010n, bytes: 4 },
      { kind: "write", address: 0x20_0018n, bytes: 8 },
    ];
    const { control, addresses, dr7 } = asked({ hardware });
    expect(control).toBe(ENABLE | USE_HW_BP);
    expect(addresses).toEqual([0x10_0004n, 0x20_0000n, 0x20_0010n, 0x20_0018n]);
    // G0 to G3, GE, the bit that is always one; R/W and LEN of each: 0 0, 1 0, 3 3, 1 2.
    expect(dr7 & 0xff).toBe(0b1010_1010);
    expect(dr7 & 0x700).toBe(0x600);
    const fields = [0, 1, 2, 3].map((place) => (dr7 >>> (16 + 4 * place)) & 15);
    expect(fields).toEqual([0b0000, 0b0001, 0b1111, 0b1001]);
  });

  it("takes an instruction's break for one byte, whatever it is said to have", () => {
    expect(asked({ hardware: [{ kind: "execute", address: 1n, bytes: 8 }] }).dr7 >>> 16).toBe(0);
  });

  it("refuses what no debug register holds", () => {
    const one: HardwareBreak = { kind: "write", address: 0n, bytes: 3 };
    expect(() => asked({ hardware: [one] })).toThrow(RangeError);
    expect(() => asked({ hardware: Array.from({ length: 5 }, () => ({ ...one, bytes: 4 })) })).toThrow(RangeError);
  });

  it("finds the watchpoint that was hit by DR6, and no breakpoint", () => {
    const hardware: readonly HardwareBreak[] = [
      { kind: "execute", address: 0x10_0000n, bytes: 1 },
      { kind: "write", address: 0x20_0000n, bytes: 4 },
      { kind: "access", address: 0x20_0008n, bytes: 4 },
    ];
    const hit = (dr6: number) => {
      const run = new DataView(new ArrayBuffer(4096));
      run.setBigUint64(DR6, BigInt(dr6), true);
      return debugHit(run, hardware);
    };
    expect(hit(0xffff_0ff0 | 1)).toEqual({});
    expect(hit(0xffff_0ff0 | 2)).toEqual({ watch: hardware[1] });
    expect(hit(0xffff_0ff0 | 4)).toEqual({ watch: hardware[2] });
    expect(hit(0xffff_4ff0)).toEqual({});
  });
});
