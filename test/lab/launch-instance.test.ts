import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { becomeSubreaper } from "../../src/host/launch.ffi.ts";
import type { Instance } from "../../src/lab/instance/instance.ts";
import { launchInstance } from "../../src/lab/instance/launch-instance.ts";
import { SampleError } from "../../src/lab/lack.ts";
import { ownDescriptors } from "../support/process-state.ts";

const LIMIT_MS = 20_000;
/** SIGPIPE and SIGXFSZ, as bits of a mask. */
const SIGNALS_IGNORED_BY_NODE = (1n << 12n) | (1n << 24n);
becomeSubreaper();

const guards = new Set<string>();
const bench = {
  guard: (words: readonly string[]) => {
    const line = words.join(" ");
    guards.add(line);
    return { release: () => void guards.delete(line) };
  },
};

async function withShell<Result>(script: string, look: (instance: Instance) => Promise<Result>): Promise<Result> {
  const instance = launchInstance({ path: "/bin/sh", args: ["-c", script], cores: [0] }, bench);
  try {
    return await look(instance);
  } finally {
    await instance.stop();
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("an instance", () => {
  it("tells its first output, its end and what it wrote to both outputs", async () => {
    await withShell("echo first; read -r _; echo second >&2; exit 7", async (instance) => {
      const firstNs = await instance.firstOutput(LIMIT_MS);
      const { exit, endedNs } = await instance.exited(LIMIT_MS);
      expect(exit).toEqual({ status: 7 });
      expect(instance.output()).toBe("first\nsecond\n");
      expect(firstNs).toBeGreaterThan(instance.startedNs);
      expect(endedNs).toBeGreaterThanOrEqual(firstNs);
    });
  });

  it("tells the signal that ended it", async () => {
    await withShell("kill -KILL $$", async (instance) => {
      expect((await instance.exited(LIMIT_MS)).exit).toEqual({ signal: 9 });
      await expect(instance.firstOutput(LIMIT_MS)).rejects.toThrow("was ended by signal 9 without a word");
    });
  });

  it("ends a wait by its limit", async () => {
    await withShell("sleep 1000", async (instance) => {
      await expect(instance.exited(30)).rejects.toThrow(new SampleError("did not end within 30 ms"));
      await expect(instance.firstOutput(30)).rejects.toThrow(new SampleError("said nothing within 30 ms"));
    });
  });

  it("takes more output than a pipe holds while nobody waits, and keeps the first MiB", async () => {
    await withShell("head -c 3000000 /dev/zero | tr '\\0' x; echo end", async (instance) => {
      await instance.exited(LIMIT_MS);
      expect(instance.output().length).toBeGreaterThanOrEqual(2 ** 20);
      expect(instance.output().length).toBeLessThan(2 ** 20 + 16384);
    });
  });

  it("has a session of its own, nothing ignored, its processor, and its environment alone", async () => {
    await withShell("cat /proc/self/status; env; cut -d' ' -f6 /proc/self/stat", async (instance) => {
      const { exit } = await instance.exited(LIMIT_MS);
      expect(exit).toEqual({ status: 0 });
      const output = instance.output();
      expect(output).toMatch(/^Cpus_allowed_list:\s*0$/m);
      const ignored = BigInt(`0x${/^SigIgn:\s*(\S+)$/m.exec(output)?.[1]}`);
      expect(ignored & SIGNALS_IGNORED_BY_NODE).toBe(0n);
      expect(output).toMatch(/^SigBlk:\s*0+$/m);
      expect(output).not.toContain("PATH=/");
      const session = Number(output.trim().split("\n").at(-1));
      expect(session).not.toBe(Number(readFileSync("/proc/self/stat", "latin1").split(" ")[5]));
    });
  });

  it("is stopped with all that it started, in whatever session, and leaves no descriptor and no guard", async () => {
    const before = ownDescriptors().size;
    const script = "sleep 1000 & setsid sleep 1000 & (sleep 1000; true) & echo started; wait";
    const pids = await withShell(script, async (instance) => {
      await instance.firstOutput(LIMIT_MS);
      for (;;) {
        const found = instance.pids();
        const names = found.map((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
        if (names.filter((name) => name === "sleep").length === 3) return found;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
    expect(pids.length).toBeGreaterThanOrEqual(4);
    expect([...guards]).toEqual([]);
    expect(ownDescriptors().size).toBe(before);
    expect(pids.filter(isThere)).toEqual([]);
  });

  it("knows and ends what left its session and lost its parent", async () => {
    const script = "setsid sh -c 'sleep 1000 & echo $!; exit' & wait; exec 1>&- 2>&-; exec sleep 1000";
    const daemon = await withShell(script, async (instance) => {
      await instance.firstOutput(LIMIT_MS);
      const pid = Number(instance.output());
      const parent = () => Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ")[1]);
      while (parent() !== process.pid) await new Promise((resolve) => setTimeout(resolve, 1));
      expect(instance.pids()).toContain(pid);
      return pid;
    });
    expect(daemon).toBeGreaterThan(1);
    expect(isThere(daemon)).toBe(false);
  });

  it("takes standard error for no output of the workload's where it is asked to", async () => {
    const command = { path: "/bin/sh", args: ["-c", "echo warning >&2; exit 3"], cores: [0] };
    const instance = launchInstance({ ...command, errors: "apart" }, bench);
    try {
      await expect(instance.firstOutput(LIMIT_MS)).rejects.toThrow(new SampleError("exited with status 3: warning"));
      expect(instance.output()).toBe("warning\n");
    } finally {
      await instance.stop();
    }
  });

  it("says why it cannot be started", () => {
    const start = () => launchInstance({ path: "/nowhere/program", args: [], cores: [0] }, bench);
    const before = ownDescriptors().size;
    expect(start).toThrow(new SampleError("/nowhere/program: posix_spawn failed with ENOENT"));
    expect(ownDescriptors().size).toBe(before);
  });
});
