import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../../src/host/probe/manifest.ts";
import { type OciRuntime, probeOci } from "../../../src/lab/container/oci-target.ts";
import { type MadeWorkbench, makeWorkbench } from "../../../src/lab/make-workbench.ts";
import { processSecurity } from "../../../src/lab/target/process-security.ts";
import { describeWith, root } from "../../support/needs.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const PROBE_LIMIT_MS = 9_000;

describeWith([root], "a runtime that cannot be used", () => {
  const folder = temporaryFolder();
  const { PATH = "" } = process.env;
  let made: MadeWorkbench;
  beforeAll(async () => {
    made = makeWorkbench(await probeHost(await loadProbeLibc()), "0.0.0");
    process.env["PATH"] = `${folder}:${PATH}`;
  });
  afterAll(async () => {
    process.env["PATH"] = PATH;
    await made.close();
  });

  const probe = (program: string) => {
    const runtime: OciRuntime = {
      program,
      debianPackage: "a-package",
      version: /version (\S+)/,
      wrapper: () => [],
      options: () => [],
      network: () => "inherited",
      security: processSecurity,
    };
    return probeOci(runtime, made.bench);
  };
  const install = (program: string, script: string) =>
    writeFileSync(join(folder, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

  test("is listed with its package where it is not there", async () => {
    expect(await probe("no-such-runtime")).toEqual({
      available: false,
      reason: "no-such-runtime is not installed",
      mend: "apt-get install a-package",
    });
  });

  test("is listed with what it says where it runs no container", async () => {
    install("refusing", '[ "$1" = --version ] && echo version 1.2 && exit; echo this host is not for me; exit 3');
    const reason = "refusing cannot run a container here: this host is not for me";
    expect(await probe("refusing")).toEqual({ available: false, reason, mend: undefined });
  });

  test("is given up where it hangs", async () => {
    install("hanging", '[ "$1" = --version ] && echo version 1.2 && exit; [ "$3" = run ] && exec sleep 1000');
    const startMs = performance.now();
    const reason = "hanging cannot run a container here: it did not end within 4000 ms";
    expect(await probe("hanging")).toEqual({ available: false, reason, mend: undefined });
    expect(performance.now() - startMs).toBeLessThan(PROBE_LIMIT_MS);
  });

  test("is listed where it tells no version", async () => {
    install("mute", "echo nothing of use");
    const reason = `${join(folder, "mute")} --version says: nothing of use`;
    expect(await probe("mute")).toEqual({ available: false, reason, mend: undefined });
  });
});
