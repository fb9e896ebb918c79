import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { SYSTEMD_NSPAWN } from "../../../src/lab/target/systemd-nspawn.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

const PRIME = { kind: "kit", name: "prime", args: ["100000000"], memoryMib: 16 } as const;

function listing(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

describeWith([root, program("systemd-nspawn", "systemd-container")], "systemd-nspawn", () => {
  const trial = trialOf(SYSTEMD_NSPAWN);
  testBatch(trial);
  testServer(trial, "veth");

  test("tells what it leaves the workload", async () => {
    const security = await securityOf(trial);
    expect(security).toMatchObject({
      kernel: "host",
      systemCalls: null,
      namespaces: ["cgroup", "ipc", "mnt", "net", "pid", "uts"],
      noNewPrivileges: false,
    });
    expect(security.capabilities).toContain("SYS_ADMIN");
    expect(security.capabilities).not.toContain("SYS_MODULE");
  });

  test("leaves nothing in systemd's folders where it is killed", async () => {
    const left = () => ["propagate", "locks"].flatMap((name) => listing(`/run/systemd/nspawn/${name}`));
    const before = left();
    const during = await trial.during(PRIME, undefined, async (instance) => {
      await expect(instance.exited(300)).rejects.toThrow("did not end");
      return left();
    });
    expect(during.length).toBeGreaterThan(before.length);
    expect(left()).toEqual(before);
  });
});
