import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DOCKER } from "../../../src/lab/target/docker.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { fakeBench } from "./fake-bench.ts";
import { securityOf, testBatch, testServer, trialOf } from "./trial.ts";

const folder = temporaryFolder();
const { PATH = "" } = process.env;

async function probeWith(path: string) {
  const bench = await fakeBench();
  process.env["PATH"] = path;
  try {
    return await DOCKER.probe(bench);
  } finally {
    process.env["PATH"] = PATH;
  }
}

function install(script: string): void {
  writeFileSync(join(folder, "docker"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

test("is listed with the way to start its engine where that does not answer", async () => {
  install("echo Cannot connect to the Docker daemon >&2; exit 1");
  expect(await probeWith(`${folder}:${PATH}`)).toEqual({
    available: false,
    reason: "Docker's engine does not answer",
    mend: expect.stringMatching(/docker\.io|systemctl start docker/),
  });
});

test("is listed with what its engine says where that takes no image", async () => {
  install('[ "$1" = version ] && echo 28.0.0 && exit; echo no room for images >&2; exit 1');
  expect(await probeWith(`${folder}:${PATH}`)).toEqual({
    available: false,
    reason: `${join(folder, "docker")} import: no room for images`,
    mend: undefined,
  });
});

// An engine is a service of the host, which no test starts: where none runs, what a user reads then is tested above.
const hasEngine = spawnSync("docker", ["version"]).status === 0;
if (hasEngine && process.getuid?.() === 0) {
  describe(DOCKER.title, () => {
    const before = images();
    const trial = trialOf(DOCKER);
    testBatch(trial);
    testServer(trial, "veth");

    test("tells what it leaves the workload", async () => {
      const security = await securityOf(trial);
      expect(security).toMatchObject({ kernel: "host", systemCalls: null });
      expect(security.namespaces).toEqual(expect.arrayContaining(["ipc", "mnt", "net", "pid", "uts"]));
      expect(security.capabilities).not.toContain("SYS_ADMIN");
    });

    test("leaves no image of a run that is over", () => {
      expect(images()).toEqual(before);
    });
  });
}

/** Of this process's runs; that of the trial itself goes with the file's end. */
function images(): readonly string[] {
  const { stdout } = spawnSync("docker", ["image", "ls", "--format", "{{.Repository}}"], { encoding: "utf8" });
  return stdout.split("\n").filter((name) => name.startsWith(`skiff-lab-${process.pid}-`));
}
