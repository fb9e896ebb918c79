import { describe, expect, it } from "vitest";
import type { Processor } from "../../../src/engine/emulator/processor/processor.ts";
import { addressIn, bareProcessor, COUNTER_HZ, VECTOR, VECTORS } from "./bare.ts";
import { TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const UNMASKED = { el0: 0n, el1: 5n } as const;
const IRQ_MASKED = 1n << 7n;
const FIQ_MASKED = 1n << 6n;
const ALL_MASKED = 0x3c0n;
const DEVICE = addressIn("bus", 0x1000);
const STR_X1_X0 = 0xf900_0001;
const WFE = 0xd503_205f;
const SEV = 0xd503_209f;
const NOP = a64.NOP;
const LOOP = [NOP, a64.branch(1, 0)];
const ADD_X2 = a64.add(2, 2, 1);
/** Far more than a test needs: what is asked for comes before. */
const LONG = 1_000_000;
const TICK_NS = 1e9 / COUNTER_HZ;

const vectorOf = ({ pc }: Processor) => pc - BigInt(VECTORS);

describe.each(TIERS)("interrupts: $tier", ({ options }) => {
  it.each([
    ["irq", UNMASKED.el1, VECTOR.ownStack.irq],
    ["fiq", UNMASKED.el1, VECTOR.ownStack.fiq],
    ["irq", UNMASKED.el0, VECTOR.lowerLevel.irq],
    ["fiq", UNMASKED.el0, VECTOR.lowerLevel.fiq],
    ["irq", UNMASKED.el1 | FIQ_MASKED, VECTOR.ownStack.irq],
  ] as const)("of %s are taken with PSTATE 0x%s", (line, pstate, vector) => {
    const processor = bareProcessor(LOOP, { ...options, pstate });
    const start = processor.pc;
    expect(processor.run(100)).toBe("budget");
    expect([start, start + 4n]).toContain(processor.pc);
    const interrupted = processor.pc;
    processor.setInterrupt(line, true);
    processor.run(10);
    const { registers } = processor;
    expect(vectorOf(processor)).toBe(vector);
    expect(registers.get("elr_el1")).toBe(interrupted);
    expect(registers.get("spsr_el1") & 0x3dfn).toBe(pstate);
    expect(processor.pstate & 0x3dfn).toBe(ALL_MASKED | 5n);
    // No syndrome is told of interrupts.
    expect(registers.get("esr_el1")).toBe(0n);
  });

  it("of FIQ come before those of IRQ", () => {
    const processor = bareProcessor(LOOP, { ...options, pstate: UNMASKED.el1 });
    processor.setInterrupt("irq", true);
    processor.setInterrupt("fiq", true);
    processor.run(10);
    expect(vectorOf(processor)).toBe(VECTOR.ownStack.fiq);
  });

  it("that are masked, or not there any more, are not taken, and ISR_EL1 tells of the former", () => {
    const processor = bareProcessor([a64.mrs(0, "isr_el1"), a64.BRANCH_TO_SELF], {
      ...options,
      pstate: UNMASKED.el1 | IRQ_MASKED,
    });
    const start = processor.pc;
    processor.setInterrupt("irq", true);
    processor.setInterrupt("fiq", true);
    processor.setInterrupt("fiq", false);
    processor.run(10);
    expect(processor.pc).toBe(start + 4n);
    expect(processor.getRegister(0)).toBe(IRQ_MASKED);
  });

  it.each([
    ["MSR DAIFClr", a64.msrImmediate(3, 7, 2)],
    ["MSR DAIF", a64.msr("daif", 31)],
  ])("are taken behind %s that lets them", (_, word) => {
    const processor = bareProcessor([NOP, word, ADD_X2, a64.BRANCH_TO_SELF], {
      ...options,
      pstate: UNMASKED.el1 | ALL_MASKED,
    });
    const start = processor.pc;
    processor.setInterrupt("irq", true);
    processor.run(10);
    expect(vectorOf(processor)).toBe(VECTOR.ownStack.irq);
    expect(processor.registers.get("elr_el1")).toBe(start + 8n);
    expect(processor.getRegister(2)).toBe(0n);
  });

  it("are taken behind ERET that lets them", () => {
    const words = [a64.msr("elr_el1", 0), a64.msr("spsr_el1", 1), a64.ERET];
    const registers = [addressIn("normal", 0x8_0100), UNMASKED.el1];
    const processor = bareProcessor(words, { ...options, pstate: UNMASKED.el1 | ALL_MASKED, registers });
    processor.setInterrupt("irq", true);
    processor.run(10);
    expect(vectorOf(processor)).toBe(VECTOR.ownStack.irq);
    expect(processor.registers.get("elr_el1")).toBe(registers[0]);
  });

  it("that a device makes are taken before the budget ends", () => {
    let raise = () => {};
    const bus = {
      load: () => undefined,
      store: () => {
        raise();
        return "done" as const;
      },
    };
    // After the store, a loop that counts its turns.
    const words = [STR_X1_X0, ADD_X2, a64.branch(2, 1)];
    const processor = bareProcessor(words, { ...options, bus, pstate: UNMASKED.el1, registers: [DEVICE] });
    raise = () => processor.setInterrupt("irq", true);
    expect(processor.run(LONG)).toBe("budget");
    expect(vectorOf(processor)).toBe(VECTOR.ownStack.irq);
    expect(processor.getRegister(2)).toBeLessThanOrEqual(2n);
  });

  it("do not come between a store that stops the processor and its end", () => {
    const stored: bigint[] = [];
    const bus = {
      load: () => undefined,
      store: (_: number, __: number, value: bigint) => {
        stored.push(value);
        return "stop" as const;
      },
    };
    const processor = bareProcessor([STR_X1_X0, a64.BRANCH_TO_SELF], {
      ...options,
      bus,
      pstate: UNMASKED.el1,
      registers: [DEVICE, 7n],
    });
    const start = processor.pc;
    expect(processor.run(10)).toBe("stopped");
    processor.setInterrupt("irq", true);
    processor.run(10);
    expect(vectorOf(processor)).toBe(VECTOR.ownStack.irq);
    expect(processor.registers.get("elr_el1")).toBe(start + 4n);
    expect(stored).toEqual([7n]);
  });
});

describe.each(TIERS)("waiting: $tier", ({ options }) => {
  it("WFI waits for an interrupt, masked or not", () => {
    for (const masks of [0n, ALL_MASKED]) {
      const processor = bareProcessor([a64.WFI, ADD_X2, a64.BRANCH_TO_SELF], {
        ...options,
        pstate: UNMASKED.el1 | masks,
      });
      const start = processor.pc;
      for (let turn = 0; turn < 3; turn++) expect(processor.run(LONG)).toBe("wait");
      expect(processor.nextTimerDeadlineNs()).toBeUndefined();
      expect(processor.pc).toBe(start + 4n);
      processor.setInterrupt("irq", true);
      expect(processor.run(10)).toBe("budget");
      if (masks === 0n) expect(processor.registers.get("elr_el1")).toBe(start + 4n);
      else expect(processor.getRegister(2)).toBe(1n);
    }
  });

  it("WFI goes on where an interrupt is there", () => {
    const processor = bareProcessor([a64.WFI, a64.BRANCH_TO_SELF], { ...options });
    processor.setInterrupt("fiq", true);
    expect(processor.run(10)).toBe("budget");
  });

  it("WFE goes on by an event, an interrupt that is not masked, or a tick of the event stream", () => {
    let nowNs = 0;
    const words = [SEV, WFE, ADD_X2, WFE, ADD_X2, a64.BRANCH_TO_SELF];
    const run = (pstate: bigint) => bareProcessor(words, { ...options, pstate, nowNs: () => nowNs });
    const masked = run(UNMASKED.el1 | ALL_MASKED);
    expect(masked.run(10)).toBe("wait");
    expect(masked.getRegister(2)).toBe(1n);
    masked.setInterrupt("irq", true);
    expect(masked.run(10)).toBe("wait");
    const unmasked = run(UNMASKED.el1);
    expect(unmasked.run(10)).toBe("wait");
    unmasked.setInterrupt("irq", true);
    unmasked.run(10);
    expect(vectorOf(unmasked)).toBe(VECTOR.ownStack.irq);
    const ticking = run(UNMASKED.el1 | ALL_MASKED);
    // Enabled; an event each time that bit 3 of the counter becomes one.
    ticking.setSystemRegister("cntkctl_el1", (3n << 4n) | (1n << 2n));
    expect(ticking.run(10)).toBe("wait");
    expect(ticking.nextTimerDeadlineNs()).toBe(8 * TICK_NS);
    nowNs = 8 * TICK_NS - 1;
    expect(ticking.run(10)).toBe("wait");
    nowNs = 8 * TICK_NS;
    expect(ticking.run(10)).toBe("budget");
    expect(ticking.getRegister(2)).toBe(2n);
  });
});

describe("timers", () => {
  it.each(["virtual", "physical"] as const)(
    "the %s one's output is high from its value on, unless it is off or masked",
    (timer) => {
      let nowNs = 0;
      const [control, value] =
        timer === "virtual"
          ? (["cntv_ctl_el0", "cntv_cval_el0"] as const)
          : (["cntp_ctl_el0", "cntp_cval_el0"] as const);
      const processor = bareProcessor([a64.BRANCH_TO_SELF], { nowNs: () => nowNs });
      const seen: string[] = [];
      processor.onTimerOutput = (which, isHigh) => {
        seen.push(`${which} ${isHigh}`);
      };
      processor.setSystemRegister(value, 1000n);
      processor.run(1);
      expect(processor.nextTimerDeadlineNs()).toBeUndefined();
      processor.setSystemRegister(control, 1n);
      expect(processor.nextTimerDeadlineNs()).toBe(1000 * TICK_NS);
      nowNs = 999 * TICK_NS;
      processor.run(1);
      expect(seen).toEqual([]);
      expect(processor.nextTimerDeadlineNs()).toBe(TICK_NS);
      nowNs = 1000 * TICK_NS;
      processor.run(1);
      expect(seen).toEqual([`${timer} true`]);
      expect(processor.timerOutput(timer)).toBe(true);
      expect(processor.nextTimerDeadlineNs()).toBeUndefined();
      processor.setSystemRegister(control, 3n);
      expect(seen).toEqual([`${timer} true`, `${timer} false`]);
      processor.setSystemRegister(control, 1n);
      processor.setSystemRegister(value, 2000n);
      expect(seen).toEqual([`${timer} true`, `${timer} false`, `${timer} true`, `${timer} false`]);
    },
  );

  it("wake a processor that waits, by what its host makes of their output", () => {
    let nowNs = 0;
    const processor = bareProcessor([a64.WFI, a64.BRANCH_TO_SELF], { nowNs: () => nowNs, pstate: UNMASKED.el1 });
    processor.onTimerOutput = (_, isHigh) => processor.setInterrupt("irq", isHigh);
    processor.setSystemRegister("cntv_cval_el0", 500n);
    processor.setSystemRegister("cntv_ctl_el0", 1n);
    expect(processor.run(10)).toBe("wait");
    const deadlineNs = processor.nextTimerDeadlineNs();
    expect(deadlineNs).toBe(500 * TICK_NS);
    nowNs += deadlineNs ?? 0;
    processor.run(10);
    expect(vectorOf(processor)).toBe(VECTOR.ownStack.irq);
  });
});
