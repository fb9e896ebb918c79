import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProgram, runProgram } from "../../../src/host/probe/program.ts";
import { probeTools } from "../../../src/host/probe/tool.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skiff-tools-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function addProgram(name: string, script: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
  return path;
}

/** Ends when the process does: it is gone, or a zombie that nobody has asked for yet. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    let state: string | undefined;
    try {
      state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
    } catch {
      return;
    }
    if (state === "Z") return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a program", () => {
  it("gives its status and all that it writes", async () => {
    const path = addProgram("both", "echo out; echo err >&2; exit 3");
    expect(await runProgram(path, [], 10_000)).toEqual({
      status: 3,
      output: expect.stringMatching(/^(out\nerr|err\nout)\n$/),
    });
  });

  it("is given no input to wait for", async () => {
    expect(await runProgram(addProgram("reads", "cat; echo end"), [], 10_000)).toEqual({ status: 0, output: "end\n" });
  });

  it("that does not end is ended by its limit, with all that it started", async () => {
    const pids = join(folder, "pids");
    const path = addProgram("hangs", `sleep 1000 & echo $$ $! >${pids}.new; mv ${pids}.new ${pids}; wait`);
    // A busy machine may need more than the shortest limit to get as far as the processes that must be ended.
    for (let limitMs = 250; !existsSync(pids); limitMs *= 2) {
      expect(await runProgram(path, [], limitMs)).toEqual({ status: null, output: "" });
    }
    const [own = 0, child = 0] = readFileSync(pids, "utf8").split(" ").map(Number);
    expect(own).toBeGreaterThan(1);
    expect(child).toBeGreaterThan(1);
    await Promise.all([ended(own), ended(child)]);
  });

  it("that talks without end is cut short", async () => {
    const { output } = await runProgram(addProgram("talks", "head -c 200000 /dev/zero"), [], 10_000);
    expect(output.length).toBe(16 * 1024);
  });

  it("that cannot be started has no status", async () => {
    expect(await runProgram(join(folder, "absent"), [], 1000)).toEqual({ status: null, output: "" });
  });

  it("is found on the path if it can be executed", () => {
    addProgram("unusable", "exit 0", 0o644);
    const usable = addProgram("usable", "exit 0");
    expect(findProgram("usable", `/nowhere:${folder}`)).toBe(usable);
    expect(findProgram("unusable", folder)).toBeUndefined();
    expect(findProgram(".", folder)).toBeUndefined();
  });
});

describe("other runtimes", () => {
  it("are asked for their versions, a service for its own", async () => {
    addProgram("runc", "echo runc version 1.1.5+ds1");
    addProgram("crun", "exit 1");
    addProgram("docker", 'if [ "$1" = version ]; then echo 27.1.0; else echo Docker version 28.2.2, build e6534b4; fi');
    addProgram("podman", "sleep 1000");
    const tools = new Map((await probeTools(folder)).map((tool) => [tool.name, tool]));
    expect(tools.get("runc")).toMatchObject({ path: join(folder, "runc"), version: "1.1.5+ds1", service: null });
    expect(tools.get("crun")).toMatchObject({ path: join(folder, "crun"), version: null });
    expect(tools.get("docker")).toMatchObject({ version: "28.2.2", service: "27.1.0" });
    expect(tools.get("podman")).toMatchObject({ path: join(folder, "podman"), version: null });
    expect(tools.get("firecracker")).toMatchObject({ path: null, version: null, debianPackage: null });
  });
});
