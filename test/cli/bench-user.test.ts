import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, expect, it } from "vitest";
import { ringWorker } from "../../scripts/ring-worker.mjs";
import type { StoredManifest } from "../../src/lab/result-folder.ts";
import { type Ended, run, succeed } from "../support/command.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff } from "./bundled-skiff.ts";
import { ROOT } from "./skiff.ts";

const TEST_MS = 120_000;
const EPERM = 1;
const UNSHARE = process.arch === "x64" ? 272 : 97;
/** What native, native-veth, native-tap and the process engine need from the package. */
const PACKAGE = ["guests", "node_modules/koffi", "node_modules/@koromix"];
const USER = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"];

describeWith([root, program("ip", "iproute2")], "skiff bench as an ordinary user", () => {
  const deny = bundledSkiff("test/support/deny.ffi.ts");
  const folder = temporaryFolder();
  const home = join(folder, "home");
  const bench = [
    join(folder, "dist/skiff.cjs"),
    "bench",
    "--quick",
    "--targets",
    "native-tap,process,runc",
    "--workloads",
    "start,latency",
  ];

  /** A copy that the user can read, wherever the project lies. */
  beforeAll(async () => {
    chmodSync(folder, 0o755);
    for (const path of PACKAGE) {
      if (existsSync(join(ROOT, path)))
        cpSync(join(ROOT, path), join(folder, path), { recursive: true, dereference: true });
    }
    for (const [name, entry] of [
      ["skiff", "src/cli/main.ts"],
      ["lent-rights", "test/cli/lent-rights.ts"],
    ] as const) {
      await build({
        entryPoints: [join(ROOT, entry)],
        outfile: join(folder, `dist/${name}.cjs`),
        bundle: true,
        platform: "node",
        target: "node20",
        format: "cjs",
        external: ["koffi"],
        define: await ringWorker(),
        logOverride: { "empty-import-meta": "silent" },
        logLevel: "warning",
      });
    }
    mkdirSync(home);
    succeed("chown", "nobody:nogroup", home);
  }, TEST_MS);

  function runAsUser(words: readonly string[], before: readonly string[] = [], within: readonly string[] = []): Ended {
    const environment = ["/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", `TMPDIR=${home}`];
    const [first = "", ...rest] = [...before, ...environment, ...USER, ...within, process.execPath];
    return run(first, [...rest, ...words], { folder: home });
  }

  function manifestOf(name: string): StoredManifest {
    return JSON.parse(readFileSync(join(home, name, "manifest.json"), "utf8"));
  }

  it("measures over veths and taps, in a user namespace", { timeout: TEST_MS }, () => {
    const { end, stderr } = runAsUser([...bench, "--blocks", "1", "--output", "result"]);
    expect({ end, stderr }).toMatchObject({ end: 0 });
    const { targets, notRun } = manifestOf("result");
    expect(targets.map(({ name }) => name)).toEqual(["native", "native-veth", "native-tap", "process"]);
    expect(notRun.map(({ target, reason }) => [target, reason])).toEqual([
      ["runc", expect.stringMatching(/root only|not installed/)],
    ]);
  });

  it("lists what needs a network, where the kernel allows no namespace, and measures the rest", {
    timeout: TEST_MS,
  }, () => {
    const [node, file] = deny.command();
    const denied = [node, file, String(UNSHARE), String(EPERM), "3"];
    const { end, stderr } = runAsUser([...bench, "--blocks", "1", "--output", "denied"], denied);
    expect({ end, stderr }).toMatchObject({ end: 0 });
    const { targets, workloads, notRun } = manifestOf("denied");
    expect(targets.map(({ name }) => name)).toEqual(["native", "process"]);
    expect(workloads.map(({ name }) => name)).toEqual(["start"]);
    expect(notRun.map(({ target, workload }) => target ?? workload)).toEqual([
      "native-veth",
      "native-tap",
      "runc",
      "latency",
    ]);
    expect(notRun.every(({ mend }) => mend !== undefined)).toBe(true);
  });

  it("has rights in the namespace that what it measures does not get", () => {
    const namespace = ["unshare", "--user", "--map-current-user", "--keep-caps", "--net"];
    const { end, stdout, stderr } = runAsUser([join(folder, "dist/lent-rights.cjs")], [], namespace);
    expect({ end, stderr }).toEqual({ end: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual(["0", expect.stringMatching(/^[13]f+$/), "0"]);
  });
});
