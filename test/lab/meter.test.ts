import { describe, expect, it } from "vitest";
import { Meter, type MeterSources } from "../../src/lab/meter.ts";

interface Moment {
  /** user, nice, system, idle, iowait, irq, softirq, steal of processor 1 in clock ticks. */
  readonly cpu1: readonly number[];
  readonly throttled?: number;
  readonly isHeldBack?: boolean;
  readonly frequencyKhz?: number | null;
}

const QUIET = [100, 0, 0, 1000, 0, 0, 0, 0];

/** What the meter sees of a sample, from one moment to another. */
function measure(meter: Meter, current: { moment: Moment }, after: Moment, client: number | null = null) {
  const metering = meter.begin([1]);
  current.moment = after;
  return metering.end(client);
}

function makeMeter(before: Moment) {
  const current = { moment: before };
  const sources: MeterSources = {
    stat: () =>
      `cpu  1 2 3\ncpu0 9 9 9 9 9 9 9 9 9\ncpu1 ${current.moment.cpu1.join(" ")} 0 0\ncpu10 7 7 7 7 7 7 7 7 0 0\n`,
    throttled: () => current.moment.throttled ?? 0,
    isHeldBack: () => current.moment.isHeldBack ?? false,
    frequencyKhz: () => current.moment.frequencyKhz ?? null,
  };
  return { meter: new Meter(sources), current };
}

describe("signals", () => {
  it("are none on a quiet machine", () => {
    const { meter, current } = makeMeter({ cpu1: QUIET });
    const { signals, conditions } = measure(meter, current, { cpu1: [150, 0, 0, 1050, 0, 0, 0, 0] }, 0.5);
    expect(signals).toEqual([]);
    expect(conditions).toEqual({ steal: 0, throttled: 0, frequencyKhz: null, client: 0.5 });
  });

  it("tell stolen time above a twentieth, from two ticks on", () => {
    const judge = (after: readonly number[]) => {
      const { meter, current } = makeMeter({ cpu1: QUIET });
      return measure(meter, current, { cpu1: after });
    };
    expect(judge([194, 0, 0, 1000, 0, 0, 0, 6])).toMatchObject({ signals: ["steal"], conditions: { steal: 0.06 } });
    expect(judge([195, 0, 0, 1000, 0, 0, 0, 5]).signals).toEqual([]);
    expect(judge([104, 0, 0, 1000, 0, 0, 0, 1]).signals).toEqual([]);
    expect(judge([103, 0, 0, 1000, 0, 0, 0, 2]).signals).toEqual(["steal"]);
  });

  it("tell heat and quota", () => {
    const { meter, current } = makeMeter({ cpu1: QUIET, throttled: 7 });
    expect(measure(meter, current, { cpu1: QUIET, throttled: 7 }).signals).toEqual([]);
    expect(measure(meter, current, { cpu1: QUIET, throttled: 8 }).signals).toEqual(["throttled"]);
    expect(measure(meter, current, { cpu1: QUIET, throttled: 8, isHeldBack: true }).signals).toEqual(["throttled"]);
  });

  it("tell a client that has no time left", () => {
    const { meter, current } = makeMeter({ cpu1: QUIET });
    expect(measure(meter, current, { cpu1: QUIET }, 0.86).signals).toEqual(["client"]);
    expect(measure(meter, current, { cpu1: QUIET }, 0.85).signals).toEqual([]);
  });

  it("tell a lower frequency than before, under load alone", () => {
    const { meter, current } = makeMeter({ cpu1: QUIET });
    let user = 100;
    const loaded = (frequencyKhz: number) => {
      user += 50;
      return measure(meter, current, { cpu1: [user, ...QUIET.slice(1)], frequencyKhz });
    };
    expect(loaded(1_500_000)).toMatchObject({ signals: [], conditions: { frequencyKhz: 1_500_000 } });
    expect(loaded(1_350_000).signals).toEqual([]);
    expect(loaded(1_340_000).signals).toEqual(["frequency"]);
    expect(loaded(1_800_000).signals).toEqual([]);
    expect(loaded(1_500_000).signals).toEqual(["frequency"]);
    const idle = measure(meter, current, { cpu1: [user + 5, ...QUIET.slice(1)], frequencyKhz: 600_000 });
    expect(idle).toMatchObject({ signals: [], conditions: { frequencyKhz: null } });
  });
});

it("reads this machine", () => {
  const { conditions } = new Meter().begin([0]).end(null);
  expect(conditions.steal).toBeGreaterThanOrEqual(0);
  expect(conditions.client).toBeNull();
});
