import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { HostSettings } from "./manifest.ts";

const MITIGATIONS = "/sys/devices/system/cpu/vulnerabilities";

/** @param server the servers' first core. */
export function probeSettings(server: number): HostSettings {
  const smt = readLine("/sys/devices/system/cpu/smt/active");
  return {
    governor: readLine(`/sys/devices/system/cpu/cpu${server}/cpufreq/scaling_governor`),
    clockSource: readLine("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    simultaneousThreads: smt === null ? null : smt === "1",
    mitigations: readMitigations(),
    vhostNet: existsSync("/dev/vhost-net"),
  };
}

function readMitigations(): Record<string, string> {
  const names = existsSync(MITIGATIONS) ? readdirSync(MITIGATIONS).sort() : [];
  return Object.fromEntries(names.map((name) => [name, readLine(`${MITIGATIONS}/${name}`) ?? "unknown"]));
}

function readLine(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
