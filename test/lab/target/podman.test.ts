import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { PODMAN } from "../../../src/lab/target/podman.ts";
import { describeWith, program, root } from "../../support/needs.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

describeWith([root, program("podman", "podman")], PODMAN.title, () => {
  const before = hostState();
  const trial = trialOf(PODMAN);
  testBatch(trial);
  testServer(trial, "veth");

  test("tells what it leaves the workload", async () => {
    const security = await securityOf(trial);
    expect(security).toMatchObject({ kernel: "host", systemCalls: null, noNewPrivileges: false });
    expect(security.namespaces).toEqual(expect.arrayContaining(["ipc", "mnt", "net", "pid", "uts"]));
    expect(security.capabilities).not.toContain("SYS_ADMIN");
  });

  test("leaves the host's own store of containers and its locks alone", () => {
    expect(hostState()).toEqual(before);
  });
});

function hostState(): readonly string[] {
  return ["/var/lib/containers/storage/libpod", "/run/libpod", "/dev/shm"].flatMap((path) =>
    existsSync(path) ? readdirSync(path).filter((name) => !name.startsWith("skiff")) : [],
  );
}
