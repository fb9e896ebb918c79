import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { Watchdog } from "../../src/lab/watchdog.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder();

it("runs what guards are left, whatever their words, and removes the folder", async () => {
  const watchdog = new Watchdog();
  const own = watchdog.folder("own");
  writeFileSync(join(own, "file"), "x");
  expect(watchdog.folder("own")).not.toBe(own);
  const kept = join(folder, "it's $kept\n");
  watchdog.guard(["mkdir", kept]);
  watchdog.guard(["mkdir", join(folder, "released")]).release();
  watchdog.guard(["false"]);
  watchdog.guard(["mkdir", join(folder, "after a failure")]);
  await watchdog.close();
  expect(existsSync(own)).toBe(false);
  expect(existsSync(dirname(own))).toBe(false);
  expect(readdirSync(folder).sort()).toEqual(["after a failure", "it's $kept\n"]);
  await watchdog.close();
});

it("kills a process group by its guard", async () => {
  const watchdog = new Watchdog();
  const child = spawn("sh", ["-c", "sleep 1000 & wait"], { detached: true, stdio: "ignore" });
  const closed = once(child, "close");
  watchdog.guard(["kill", "-s", "KILL", "--", `-${child.pid}`]);
  await watchdog.close();
  expect((await closed)[1]).toBe("SIGKILL");
});
