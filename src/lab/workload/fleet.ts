import { readField, readText } from "../../host/probe/text.ts";
import { SampleError } from "../lack.ts";
import { linkOf, untilEchoes } from "./echo.ts";
import type { Started, Taking } from "./workload.ts";

/** Of this host's memory, what a fleet leaves to everything else. */
const MEMORY_LEFT_SHARE = 0.1;

/** Starts one more server, and waits for its first answer. */
export async function startAnswering(taking: Taking, limitMs: number): Promise<Started> {
  requireMemory();
  const endMs = performance.now() + Math.min(limitMs, taking.leftMs());
  const leftMs = () => {
    const left = endMs - performance.now();
    if (left <= 0) throw new SampleError(`does not answer within ${Math.round(limitMs / 1000)} s`);
    return Math.min(left, taking.leftMs());
  };
  const started = await taking.start();
  const link = linkOf(started);
  if (link.path === "loopback") throw new SampleError("on one loopback there is room for one such server alone");
  await untilEchoes({ client: taking.client, leftMs }, link);
  return started;
}

/**
 * Keeps the lab from using up this host's memory.
 * @throws SampleError where little is left.
 */
function requireMemory(): void {
  const meminfo = readText("/proc/meminfo");
  const [total, available] = ["MemTotal", "MemAvailable"].map((name) =>
    Number.parseInt(readField(meminfo, name) ?? "", 10),
  );
  if (total === undefined || available === undefined || Number.isNaN(available)) return;
  if (available < total * MEMORY_LEFT_SHARE) {
    throw new SampleError(`only ${MEMORY_LEFT_SHARE * 100} % of this host's memory is left`);
  }
}
