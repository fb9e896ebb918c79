import { existsSync, readdirSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { hierarchies } from "../../../src/lab/container/control-group.ts";
import { start } from "../../support/command.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { guestKernel } from "./trial.ts";

const LIMIT_MS = 20_000;
const LOOK_AGAIN_MS = 20;
const TARGETS = [
  { target: "process", needs: [] },
  { target: "bubblewrap", needs: [program("bwrap", "bubblewrap")] },
  { target: "runc", needs: [program("runc", "runc")] },
  { target: "crun", needs: [program("crun", "crun")] },
  { target: "podman", needs: [program("podman", "podman"), program("runc", "runc")] },
  { target: "runsc", needs: [program("runsc", "runsc")] },
  { target: "systemd-nspawn", needs: [program("systemd-nspawn", "systemd-container")] },
  { target: "qemu-tcg", needs: [program("qemu-system-x86_64", "qemu-system-x86"), guestKernel] },
];

for (const { target, needs } of TARGETS) {
  describeWith([root, ...needs], `a lab that is killed while ${target} runs`, () => {
    test("leaves no process, no control group and no folder", async () => {
      const lab = start(process.execPath, ["scripts/run-ts.mjs", "test/lab/target/killed-lab.ts", target]);
      const told = JSON.parse(await lab.printed(/\n/));
      expect(told.instance.length).toBeGreaterThan(0);
      process.kill(told.lab, "SIGKILL");
      await lab.ended;
      const left = () => [
        ...told.instance.filter((pid: number) => existsSync(`/proc/${pid}`)),
        ...hierarchies().flatMap((path) => readdirSync(path).filter((name) => name.startsWith(`skiff-${told.lab}-`))),
        ...[told.folder].filter(existsSync),
      ];
      const endMs = Date.now() + LIMIT_MS;
      while (left().length > 0 && Date.now() < endMs) await setTimeout(LOOK_AGAIN_MS);
      expect(left()).toEqual([]);
    });
  });
}
