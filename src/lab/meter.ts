import { readdirSync, readFileSync } from "node:fs";
import type { Conditions, Signal } from "./sample.ts";

/** What sets a block aside, declared before any measurement. */
export const SIGNAL_LIMITS = {
  /** Share of the time of the processors in use that the hypervisor gave to others, from two clock ticks (20 ms) on. */
  steal: 0.05,
  stealTicks: 2,
  /** Events of heat or quota. */
  throttled: 1,
  /** Clock frequency below this share of the highest one seen in the run, both under load. */
  frequency: 0.9,
  /** Share of its time that the client ran. */
  client: 0.85,
} as const;

/** A processor counts as loaded, and its frequency as telling, where it was busy for so long a share of so many ticks. */
const LOADED_SHARE = 0.5;
const LOADED_TICKS = 10;
const LOOK_MS = 50;

/** Clock ticks of some processors since the machine's start. */
interface Ticks {
  readonly total: number;
  readonly busy: number;
  readonly steal: number;
}

/** Where a meter reads from; tests make their own. */
export interface MeterSources {
  /** /proc/stat. */
  readonly stat: () => string;
  /** Events of heat and quota since some moment. */
  readonly throttled: () => number;
  /** Whether the firmware holds the processor back at this moment. */
  readonly isHeldBack: () => boolean;
  /** Frequency of a processor in kHz; null where the kernel does not tell. */
  readonly frequencyKhz: (cpu: number) => number | null;
}

/** Watches what the machine does while a sample is taken. One for a run: it remembers the highest frequency. */
export class Meter {
  readonly #sources: MeterSources;
  #highestKhz = 0;

  constructor(sources: MeterSources = KERNEL_SOURCES) {
    this.#sources = sources;
  }

  /** @param cpus the processors in use, the server's first. */
  begin(cpus: readonly number[]): Metering {
    const { stat, throttled, isHeldBack, frequencyKhz } = this.#sources;
    const first = cpus.slice(0, 1);
    const before = { used: ticksOf(stat(), cpus), server: ticksOf(stat(), first), events: throttled() };
    let highest: number | null = null;
    const look = () => {
      const now = cpus[0] === undefined ? null : frequencyKhz(cpus[0]);
      if (now !== null) highest = Math.max(highest ?? 0, now);
    };
    const timer = setInterval(look, LOOK_MS).unref();
    return {
      end: (client) => {
        clearInterval(timer);
        look();
        const text = stat();
        const used = difference(ticksOf(text, cpus), before.used);
        const server = difference(ticksOf(text, first), before.server);
        const isLoaded = server.busy >= LOADED_TICKS && server.busy >= LOADED_SHARE * server.total;
        const conditions: Conditions = {
          steal: used.total === 0 ? 0 : used.steal / used.total,
          throttled: throttled() - before.events + (isHeldBack() ? 1 : 0),
          frequencyKhz: isLoaded ? highest : null,
          client,
        };
        return { conditions, signals: this.#judge(conditions, used.steal) };
      },
    };
  }

  #judge({ steal, throttled, frequencyKhz, client }: Conditions, stolenTicks: number): Signal[] {
    const signals: Signal[] = [];
    if (steal > SIGNAL_LIMITS.steal && stolenTicks >= SIGNAL_LIMITS.stealTicks) signals.push("steal");
    if (throttled >= SIGNAL_LIMITS.throttled) signals.push("throttled");
    if (frequencyKhz !== null && frequencyKhz < SIGNAL_LIMITS.frequency * this.#highestKhz) signals.push("frequency");
    this.#highestKhz = Math.max(this.#highestKhz, frequencyKhz ?? 0);
    if (client !== null && client > SIGNAL_LIMITS.client) signals.push("client");
    return signals;
  }
}

export interface Metering {
  /** @param client share of its time that the client ran; null without one. */
  readonly end: (client: number | null) => { readonly conditions: Conditions; readonly signals: Signal[] };
}

/** Sums the lines of /proc/stat (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal. */
function ticksOf(stat: string, cpus: readonly number[]): Ticks {
  const sum = { total: 0, busy: 0, steal: 0 };
  for (const cpu of cpus) {
    const line = new RegExp(`^cpu${cpu} (.*)$`, "m").exec(stat)?.[1] ?? "";
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
      .trim()
      .split(/\s+/)
      .map(Number);
    const busy = user + nice + system + irq + softirq;
    sum.busy += busy;
    sum.steal += steal;
    sum.total += busy + idle + iowait + steal;
  }
  return sum;
}

function difference(now: Ticks, before: Ticks): Ticks {
  return { total: now.total - before.total, busy: now.busy - before.busy, steal: now.steal - before.steal };
}

const KERNEL_SOURCES: MeterSources = {
  stat: () => readFileSync("/proc/stat", "latin1"),
  throttled: () => sum([...throttleCounters(), ...quotaCounters()]),
  isHeldBack: isRaspberryHeldBack,
  frequencyKhz: (cpu) => readNumber(`/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_cur_freq`),
};

/** x86: events of heat, by core (Linux arch/x86/kernel/cpu/mce/therm_throt.c). */
function throttleCounters(): number[] {
  return cpuFolders().flatMap((folder) => readNumber(`${folder}/thermal_throttle/core_throttle_count`) ?? []);
}

let knownCpuFolders: string[] | undefined;

function cpuFolders(): string[] {
  const root = "/sys/devices/system/cpu";
  knownCpuFolders ??= readdirSync(root)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${root}/${name}`);
  return knownCpuFolders;
}

/** Periods in which this process's control group had spent its quota (cgroups v1 and v2: `nr_throttled` in cpu.stat). */
function quotaCounters(): number[] {
  return quotaFiles().flatMap((path) => {
    const match = /^nr_throttled (\d+)$/m.exec(readText(path) ?? "");
    return match === null ? [] : Number(match[1]);
  });
}

/** Lines of /proc/self/cgroup: hierarchy, controllers, path (cgroups(7)). */
function quotaFiles(): string[] {
  return (readText("/proc/self/cgroup") ?? "")
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [, controllers = "", path = ""] = line.split(":");
      if (controllers === "") return [`/sys/fs/cgroup${path}/cpu.stat`];
      return controllers.split(",").includes("cpu") ? [`/sys/fs/cgroup/${controllers}${path}/cpu.stat`] : [];
    });
}

/** Raspberry Pi's firmware: bits 0 to 3 say that voltage, frequency or heat hold the processor back now. */
function isRaspberryHeldBack(): boolean {
  const text = readText("/sys/devices/platform/soc/soc:firmware/get_throttled");
  return text !== undefined && (Number.parseInt(text, 16) & 0xf) !== 0;
}

function readNumber(path: string): number | null {
  const text = readText(path);
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
