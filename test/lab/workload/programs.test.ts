import { expect, test } from "vitest";
import type { Taken } from "../../../src/lab/take-sample.ts";
import { BUBBLEWRAP } from "../../../src/lab/target/bubblewrap.ts";
import { NATIVE, NATIVE_TAP, NATIVE_VETH } from "../../../src/lab/target/native.ts";
import { RUNC } from "../../../src/lab/target/runc.ts";
import { SKIFF_PROCESS } from "../../../src/lab/target/skiff-process.ts";
import type { Target } from "../../../src/lab/target/target.ts";
import { HACKBENCH } from "../../../src/lab/workload/hackbench.ts";
import { IPERF3 } from "../../../src/lab/workload/iperf3.ts";
import { PING } from "../../../src/lab/workload/ping.ts";
import { SYSBENCH } from "../../../src/lab/workload/sysbench.ts";
import { THROUGHPUT } from "../../../src/lab/workload/throughput.ts";
import { TRANSITIONS } from "../../../src/lab/workload/transitions.ts";
import type { Workload } from "../../../src/lab/workload/workload.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { taker } from "./take.ts";

const LINUX: readonly Target[] = [NATIVE, BUBBLEWRAP, RUNC];
const SERVING: readonly Target[] = [NATIVE_VETH, NATIVE_TAP, SKIFF_PROCESS];
const NEEDS = [
  root,
  program("ip", "iproute2"),
  program("bwrap", "bubblewrap"),
  program("runc", "runc"),
  program("sysbench", "sysbench"),
  program("hackbench", "rt-tests"),
  program("iperf3", "iperf3"),
  program("ping", "iputils-ping"),
];

describeWith(NEEDS, "workloads on targets", () => {
  const take = taker();

  async function taken(target: Target, workload: Workload): Promise<Taken> {
    const sample = await take(target, workload);
    if (typeof sample === "string") throw new Error(`${target.name} refuses ${workload.name}: ${sample}`);
    expect(sample.failure, target.name).toBeNull();
    return sample;
  }

  /** Every metric, each above nothing. */
  async function takesAll(target: Target, workload: Workload): Promise<Taken> {
    const sample = await taken(target, workload);
    expect(Object.keys(sample.values ?? {}).sort()).toEqual(workload.metrics.map(({ name }) => name).sort());
    for (const value of Object.values(sample.values ?? {})) expect(value).toBeGreaterThan(0);
    return sample;
  }

  test.each(LINUX.flatMap((target) => [SYSBENCH, HACKBENCH].map((workload) => ({ target, workload }))))(
    "$workload.name runs on $target.name",
    async ({ target, workload }) => void (await takesAll(target, workload)),
  );

  test.each([SYSBENCH, HACKBENCH, IPERF3])("a unikernel cannot be $name, and says so", async (workload) => {
    expect(await take(SKIFF_PROCESS, workload)).toContain(`there is no image of the spt ABI of ${workload.name}`);
  });

  test.each([NATIVE_VETH, BUBBLEWRAP])("iperf3 serves on $name", async (target) => {
    await takesAll(target, IPERF3);
  });

  test.each(SERVING)("throughput and ping on $name", async (target) => {
    await takesAll(target, THROUGHPUT);
    const { values } = await takesAll(target, PING);
    expect(values?.["p50"]).toBeLessThanOrEqual(values?.["p90"] ?? 0);
    expect(values?.["p90"]).toBeLessThanOrEqual(values?.["p99"] ?? 0);
  });

  test.each(SERVING)("transitions on $name, whose clock is the host's", async (target) => {
    const { values, notes } = await taken(target, TRANSITIONS);
    for (const name of ["hypercall", "io-out", "io-in"]) expect(values?.[name], name).toBeGreaterThan(0);
    // The difference of two medians may vanish on a machine that does much else; then that is said.
    if (values?.["switch"] === undefined) expect(notes.join()).toContain("VM Switch: ");
    else expect(values["switch"]).toBeGreaterThan(0);
  });

  test("transitions tell of every row of the study that has no number, and why", async () => {
    const { values, notes } = await taken(NATIVE, TRANSITIONS);
    expect(values?.["switch"]).toBeUndefined();
    for (const row of ["Interrupt Controller Trap", "Virtual IPI", "Virtual IRQ Completion", "VM Switch"]) {
      expect(notes.filter((note) => note.startsWith(`${row}: `))).toHaveLength(1);
    }
  });
});
