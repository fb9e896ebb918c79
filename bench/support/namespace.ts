import { spawnSync } from "node:child_process";

const INSIDE = "SKIFF_BENCH_NAMESPACE";

/** Whether this process already is in the network namespace that `enterNamespace` made. */
export const INSIDE_NAMESPACE = process.env[INSIDE] !== undefined;

/** Runs one benchmark of this program again in a network namespace of its own, which goes with it. */
export function enterNamespace(bench: string): void {
  const script = process.argv[1] ?? "";
  const inside = spawnSync("unshare", ["--net", process.execPath, script, bench], {
    stdio: "inherit",
    env: { ...process.env, [INSIDE]: "1" },
  });
  if (inside.status !== 0) throw new Error(`in its network namespace ${bench} ended with status ${inside.status}`);
}
