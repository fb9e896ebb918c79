import { readdirSync } from "node:fs";
import { becomeSubreaper, pinThread } from "../host/launch.ffi.ts";
import type { HostManifest } from "../host/probe/manifest.ts";
import { UsageError } from "../monitor/error.ts";
import { planCores, readTopology } from "./cores.ts";
import { makeNetwork } from "./make-network.ts";
import { Watchdog } from "./watchdog.ts";
import type { Workbench } from "./workbench.ts";

/** A workbench, and the way to put it away. */
export interface MadeWorkbench {
  readonly bench: Workbench;
  /** Removes the network and the folder, and ends what was left running. */
  readonly close: () => Promise<void>;
}

/**
 * Makes what a run needs, and moves this whole process to the clients' processors, to keep it away from the servers'.
 * @throws UsageError on a host with one processor core.
 */
export function makeWorkbench(host: HostManifest, version: string): MadeWorkbench {
  const cores = planCores(readTopology());
  if (cores === undefined) {
    throw new UsageError("there is one processor core here; measurements need another for the client and the lab");
  }
  becomeSubreaper();
  for (const thread of readdirSync("/proc/self/task")) pinThread(Number(thread), cores.clients);
  const watchdog = new Watchdog();
  const network = makeNetwork();
  const bench: Workbench = {
    version,
    host,
    cores,
    network,
    folder: (label) => watchdog.folder(label),
    guard: (words) => watchdog.guard(words),
  };
  const close = async () => {
    network?.close();
    await watchdog.close();
  };
  return { bench, close };
}
