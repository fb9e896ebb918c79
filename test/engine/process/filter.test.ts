import { describe, expect, it } from "vitest";
import { BpfAssembler } from "../../../src/engine/process/seccomp/bpf.ts";
import { assembleFilter } from "../../../src/engine/process/seccomp/filter.ts";
import { type Condition, type Policy, type Rule, sptPolicy } from "../../../src/engine/process/seccomp/policy.ts";
import type { Architecture } from "../../../src/format/image.ts";
import { ALLOW, CheckedFilter, KILL_PROCESS } from "../../support/bpf-interpreter.ts";
import { type Random, SEED, seededRandom } from "../../support/random.ts";
import { type GuestCall, isAllowed, type Sandbox } from "./sandbox-model.ts";

/** Linux include/uapi/linux/audit.h: the machine's ELF number, with bits for 64-bit and little-endian. */
const AUDIT = { "x86-64": 0xc000003e, aarch64: 0xc00000b7, i386: 0x40000003, arm: 0x40000028 } as const;
const ARCHITECTURES = ["x86-64", "aarch64"] as const satisfies Architecture[];
const MAX = 2n ** 64n - 1n;

/** Values at which comparisons by halves change their mind. */
function near(random: Random, value: bigint): bigint {
  const shifted = value + random.pick([0n, 1n, -1n, 2n ** 32n, -(2n ** 32n), 2n ** 63n, 511n, 512n, -512n, 2n ** 31n]);
  return BigInt.asUintN(
    64,
    random.pick([value, shifted, value ^ (1n << random.bigint(0n, 63n)), random.bigint(0n, MAX)]),
  );
}

function randomValue(random: Random): bigint {
  const bits = random.bigint(0n, 63n);
  return random.pick([random.bigint(0n, 1n << bits), (1n << bits) - 1n, 1n << bits, 0n, MAX]);
}

function holds({ argument, is, value }: Condition, args: readonly bigint[]): boolean {
  const actual = args[argument] ?? 0n;
  return is === "equal" ? actual === value : is === "atMost" ? actual <= value : actual % value === 0n;
}

describe("a filter", () => {
  function randomPolicy(random: Random): Policy {
    const numbers = Array.from({ length: random.integer(1, 6) }, () => random.integer(0, 450));
    const condition = (): Condition => {
      const argument = random.integer(0, 5);
      const is = random.pick(["equal", "atMost", "multipleOf"] as const);
      return { argument, is, value: is === "multipleOf" ? 1n << random.bigint(0n, 31n) : randomValue(random) };
    };
    const rule = (): Rule => ({
      number: random.pick(numbers),
      conditions: Array.from({ length: random.integer(0, 4) }, condition),
    });
    const rules = Array.from({ length: random.integer(1, 12) }, rule);
    return { architecture: random.pick(ARCHITECTURES), rules };
  }

  function randomCall(random: Random, { architecture, rules }: Policy) {
    const rule = random.pick(rules);
    const args = Array.from({ length: 6 }, () => randomValue(random));
    for (const { argument, value } of rule.conditions) args[argument] = near(random, value);
    const number = random.pick([rule.number, rule.number, rule.number, rule.number ^ (1 << random.integer(0, 31))]);
    const audit = random.integer(0, 9) === 0 ? random.pick(Object.values(AUDIT)) : AUDIT[architecture];
    return { number, architecture: audit, args, instructionPointer: randomValue(random) };
  }

  it(`allows what a rule of its policy allows, and nothing else (SKIFF_SEED=${SEED})`, () => {
    const random = seededRandom();
    const verdicts = { allowed: 0, killed: 0 };
    for (let count = 0; count < 200; count++) {
      const policy = randomPolicy(random);
      const filter = new CheckedFilter(assembleFilter(policy));
      for (let calls = 0; calls < 100; calls++) {
        const call = randomCall(random, policy);
        const allowed =
          call.architecture === AUDIT[policy.architecture] &&
          policy.rules.some(
            (rule) => rule.number === call.number && rule.conditions.every((condition) => holds(condition, call.args)),
          );
        verdicts[allowed ? "allowed" : "killed"]++;
        if (filter.run(call) === (allowed ? ALLOW : KILL_PROCESS)) continue;
        expect.fail(`policy ${count}: ${show({ policy, call, allowed })}`);
      }
    }
    // Calls that all pass, or all fail, would show nothing.
    expect(Math.min(verdicts.allowed, verdicts.killed)).toBeGreaterThan(2000);
  });
});

function show(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `0x${part.toString(16)}` : part));
}

describe("the sandbox of a guest", () => {
  function randomSandbox(random: Random, architecture: Architecture): Sandbox {
    const first = random.pick([3, 3, 3, 200, 1_000_000]);
    const blocks = random.pick([0, 1, 2, 5]);
    const nets = random.pick([0, 1, 2, 5]);
    const block = Array.from({ length: blocks }, (_, index) => {
      const blockBytes = 2 ** random.integer(9, 15);
      const capacityBytes =
        blockBytes * random.pick([1, 2, 128, 2 ** 23, 2 ** 23 + 1, 2 ** 32, random.integer(1, 2 ** 37)]);
      return { descriptor: first + index, capacityBytes, blockBytes };
    });
    const net = Array.from({ length: nets }, (_, index) => first + blocks + index);
    return { architecture, block, net, epoll: first + blocks + nets, timer: first + blocks + nets + 1 };
  }

  function randomCall(random: Random, sandbox: Sandbox): GuestCall {
    const name = random.pick(["read", "write", "pread64", "pwrite64", "epoll_pwait", "timerfd_settime"] as const);
    const other = random.pick(["clock_gettime", "arch_prctl", "exit_group", random.integer(0, 1023)] as const);
    const block = random.pick(sandbox.block);
    const descriptors = [1, sandbox.epoll, sandbox.timer, ...sandbox.net, ...sandbox.block.map((b) => b.descriptor)];
    const own = BigInt(random.pick(descriptors));
    const blockBytes = BigInt(block?.blockBytes ?? 512);
    const last = BigInt(block?.capacityBytes ?? 512) - blockBytes;
    const args = [
      random.pick([own, BigInt(block?.descriptor ?? 3), near(random, own), random.bigint(0n, 3n), 0x1002n]),
      randomValue(random),
      random.pick([blockBytes, blockBytes, near(random, blockBytes)]),
      random.pick([0n, last, near(random, last), blockBytes * random.bigint(0n, last / blockBytes), last + blockBytes]),
      random.pick([0n, 0n, randomValue(random)]),
      randomValue(random),
    ];
    return { call: random.integer(0, 3) === 0 ? other : name, args };
  }

  it.each(ARCHITECTURES)(
    `on %s allows what the ABI asks for, and nothing else (SKIFF_SEED=${SEED})`,
    (architecture) => {
      const random = seededRandom();
      const verdicts = { allowed: 0, killed: 0 };
      for (let count = 0; count < 200; count++) {
        const sandbox = randomSandbox(random, architecture);
        const filter = new CheckedFilter(assembleFilter(sptPolicy(architecture, sandbox)));
        for (let calls = 0; calls < 150; calls++) {
          const call = randomCall(random, sandbox);
          const { number, allowed } = isAllowed(sandbox, call);
          verdicts[allowed ? "allowed" : "killed"]++;
          const verdict = filter.run({ number, architecture: AUDIT[architecture], args: call.args });
          if (verdict !== (allowed ? ALLOW : KILL_PROCESS)) expect.fail(show({ sandbox, call, allowed }));
        }
      }
      expect(Math.min(verdicts.allowed, verdicts.killed)).toBeGreaterThan(2000);
    },
  );

  it.each(ARCHITECTURES)("on %s kills every number by the entries of other architectures", (architecture) => {
    const filter = new CheckedFilter(assembleFilter(sptPolicy(architecture, EMPTY)));
    for (const other of Object.values(AUDIT).filter((audit) => audit !== AUDIT[architecture])) {
      for (let number = 0; number < 1024; number++) {
        expect(filter.run({ number, architecture: other, args: [] })).toBe(KILL_PROCESS);
      }
    }
    // x32: the same architecture, with bit 30 in the number.
    for (let number = 0; number < 1024; number++) {
      const call = { number: number | 0x4000_0000, architecture: AUDIT[architecture], args: [1n] };
      expect(filter.run(call)).toBe(KILL_PROCESS);
    }
  });

  it.each(ARCHITECTURES)(
    "on %s fits the kernel's limit with 63 block devices, and knows each of them",
    (architecture) => {
      const block = Array.from({ length: 63 }, (_, index) => ({
        descriptor: 3 + index,
        capacityBytes: 2 ** 40 + 512 * index,
        blockBytes: 512,
      }));
      const sandbox: Sandbox = { architecture, block, net: [], epoll: 66, timer: 67 };
      const filter = new CheckedFilter(assembleFilter(sptPolicy(architecture, sandbox)));
      for (const { descriptor, capacityBytes } of block) {
        for (const offset of [capacityBytes - 512, capacityBytes, 0, 512, 1]) {
          const call: GuestCall = { call: "pwrite64", args: [BigInt(descriptor), 0n, 512n, BigInt(offset)] };
          const { number, allowed } = isAllowed(sandbox, call);
          expect(allowed).toBe(offset < capacityBytes && offset % 512 === 0);
          expect(filter.run({ number, architecture: AUDIT[architecture], args: call.args })).toBe(
            allowed ? ALLOW : KILL_PROCESS,
          );
        }
      }
    },
  );

  const EMPTY = { net: [], block: [], epoll: 3, timer: 4 };
});

describe("the filter's assembler", () => {
  const RETURN = 0;

  it("takes 4096 instructions, and no more", () => {
    const bpf = new BpfAssembler();
    for (let count = 0; count < 4096; count++) bpf.return(RETURN);
    expect(new CheckedFilter(bpf.finish()).instructions).toHaveLength(4096);
    bpf.return(RETURN);
    expect(() => bpf.finish()).toThrow(new RangeError("a filter of 4097 instructions, at most 4096 fit"));
  });

  it.each([
    ["equal", "jumpIfEqual"],
    ["above", "jumpIfAbove"],
  ] as const)("jumps 255 instructions where the value is %s, and no further", (_, jump) => {
    for (const [distance, fits] of [
      [255, true],
      [256, false],
    ] as const) {
      const bpf = new BpfAssembler();
      const far = bpf.label("far");
      bpf.load(0);
      bpf[jump](5, far);
      for (let count = 0; count < distance; count++) bpf.return(1);
      bpf.place(far);
      bpf.return(2);
      if (!fits) {
        expect(() => bpf.finish()).toThrow(new RangeError("a jump of 256 instructions to far"));
        continue;
      }
      const filter = new CheckedFilter(bpf.finish());
      const verdicts = [4, 5, 6].map((number) => filter.run({ number, architecture: 0, args: [] }));
      expect(verdicts).toEqual(jump === "jumpIfEqual" ? [1, 2, 1] : [1, 1, 2]);
    }
  });

  it("jumps forward only, and to places that there are", () => {
    const back = new BpfAssembler();
    const start = back.label("start");
    back.place(start);
    back.jump(start);
    expect(() => back.finish()).toThrow(new RangeError("a jump of -1 instructions to start"));

    const nowhere = new BpfAssembler();
    nowhere.jump(nowhere.label("nowhere"));
    expect(() => nowhere.finish()).toThrow(new RangeError("label nowhere is not placed"));
  });
});
