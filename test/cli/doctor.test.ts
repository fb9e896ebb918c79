import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DoctorReport, examine } from "../../src/cli/doctor-report.ts";
import { formatReport } from "../../src/cli/doctor-text.ts";
import { type Bundle, bundle } from "../bundle.ts";

let skiff: Bundle;
let report: DoctorReport;
beforeAll(async () => {
  skiff = await bundle("src/cli/main.ts");
  report = JSON.parse(run([process.execPath, skiff.path, "doctor", "--json"]).stdout);
});
afterAll(() => skiff.remove());

function run(
  [program = "", ...args]: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): SpawnSyncReturns<string> {
  return spawnSync(program, args, { encoding: "utf8", env: { ...process.env, ...environment }, timeout: 30_000 });
}

/** Runs doctor --json behind a shell command in user, mount, network and PID namespaces of their own. */
function runInNamespaces(prepare: string, ...unshare: string[]): { status: number | null; report: DoctorReport } {
  const script = `${prepare}\nexec "$@"`;
  const command = ["unshare", "--user", "--map-root-user", ...unshare, "sh", "-ec", script, "sh"];
  const { status, stdout, stderr } = run([...command, process.execPath, skiff.path, "doctor", "--json"]);
  expect(stderr).toBe("");
  return { status, report: JSON.parse(stdout) };
}

/** A report in which some things are otherwise. */
function otherwise(changes: Partial<DoctorReport>): DoctorReport {
  return examine({ ...report, ...changes });
}

describe("skiff doctor --json", () => {
  it("ends with status 0 where the process engine runs, with 1 where it does not", () => {
    const { status } = run([process.execPath, skiff.path, "doctor", "--json"]);
    expect(report.engines.map(({ name }) => name)).toEqual(["process", "kvm", "emulator"]);
    expect(status).toBe(report.engines[0]?.runs ? 0 : 1);
  });

  it("has every field that its documentation names, and no other", () => {
    const documentation = readFileSync(resolve(import.meta.dirname, "../../docs/doctor.md"), "utf8");
    const documented = [...documentation.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
    const lacking = otherwise({ tap: { device: "absent", netAdmin: false, create: false } });
    expect(documented.sort()).toEqual(leaves(lacking).sort());
  });

  it("leaves no interface and no process behind", () => {
    const state = () => ({
      interfaces: readFileSync("/proc/net/dev", "utf8").match(/^ *\S+:/gm),
      children: readFileSync(`/proc/self/task/${process.pid}/children`, "utf8"),
    });
    const before = state();
    run([process.execPath, skiff.path, "doctor", "--json"]);
    expect(state()).toEqual(before);
  });
});

/** Names of a report's fields as its documentation writes them: `tools[].name`. */
function leaves(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) {
    const [first] = value;
    return typeof first === "object" ? leaves(first, `${path}[]`) : [`${path}[]`];
  }
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`));
}

describe("skiff doctor on other hosts", () => {
  it("finds rights to make taps where the network namespace is its own, and none where it is not", () => {
    if (report.tap.device !== "opens") {
      expect(report.lacks.map(({ subject }) => subject)).toContain("tap");
      return;
    }
    const own = runInNamespaces("", "--net").report;
    expect(own.tap).toEqual({ device: "opens", netAdmin: true, create: true });
    const foreign = runInNamespaces("").report;
    expect(foreign.tap).toEqual({ device: "opens", netAdmin: true, create: false });
    expect(foreign.lacks).toContainEqual(expect.objectContaining({ subject: "tap" }));
  });

  it("finds no device in an empty /dev", () => {
    const bare = runInNamespaces("mount -t tmpfs tmpfs /dev", "--mount").report;
    expect(bare.kvm).toMatchObject({ state: "absent", apiVersion: null, instructionNs: null, reason: "ENOENT" });
    expect(bare.tap).toMatchObject({ device: "absent", create: false });
    expect(bare.lacks.map(({ subject }) => subject)).toEqual(expect.arrayContaining(["kvm", "tap"]));
  });

  it("finds devices that it may not open", () => {
    const closed =
      "for device in /dev/kvm /dev/net/tun; do if [ -e $device ]; then mount --bind $device $device; mount -o remount,bind,nodev $device; fi; done";
    const { kvm, tap } = runInNamespaces(closed, "--mount").report;
    expect(kvm.state).toBe(existsSync("/dev/kvm") ? "denied" : "absent");
    expect(tap.device).toBe(existsSync("/dev/net/tun") ? "denied" : "absent");
  });

  it("ends with status 1 and the mend where files in memory may not run", () => {
    const parameter = "/proc/sys/vm/memfd_noexec";
    if (!existsSync(parameter)) {
      expect(report.memory.executableMemfd).toBe(true);
      return;
    }
    const { status, report: strict } = runInNamespaces(`echo 2 >${parameter}`, "--pid", "--fork", "--mount-proc");
    expect(status).toBe(1);
    expect(strict.memory.executableMemfd).toBe(false);
    const because = ["memory: files in memory may not be executed"];
    expect(strict.engines[0]).toMatchObject({ name: "process", abi: "spt", runs: false, because });
    const mend = ["sysctl -w vm.memfd_noexec=0"];
    expect(strict.lacks).toContainEqual({ subject: "memory", reason: "files in memory may not be executed", mend });
  });
});

describe("what doctor concludes", () => {
  it("is that the process engine needs an architecture that it knows", () => {
    const { engines } = otherwise({ machine: { ...report.machine, architecture: "riscv64" } });
    expect(engines[0]).toMatchObject({ runs: false, because: [expect.stringContaining("riscv64")] });
  });

  it("is that the process engine needs filters", () => {
    const { engines } = otherwise({ seccomp: { filter: false, killProcess: true, noNewPrivileges: true } });
    expect(engines[0]).toMatchObject({ runs: false, because: [expect.stringMatching(/^seccomp: /)] });
  });

  it("is that the process engine needs neither KVM nor taps nor namespaces", () => {
    const kvm = { ...report.kvm, state: "absent", reason: "ENOENT" } as const;
    const tap = { device: "absent", netAdmin: false, create: false } as const;
    const none = { user: "none", mount: "none", net: "none", pid: "none", restrictions: [] } as const;
    const { engines, lacks } = otherwise({ kvm, tap, namespaces: none });
    expect(engines[0]).toEqual(report.engines[0]);
    expect(lacks.map(({ subject }) => subject)).toEqual(expect.arrayContaining(["kvm", "tap", "namespaces"]));
  });

  it("is that the emulator runs AArch64 images wherever Node does", () => {
    for (const architecture of ["x86-64", "aarch64", "riscv64"]) {
      const { engines } = otherwise({ machine: { ...report.machine, architecture } });
      expect(engines[2]).toEqual({
        name: "emulator",
        abi: "hvt",
        imageArchitecture: "aarch64",
        runs: true,
        because: [],
      });
    }
  });
});

describe("what doctor concludes of the KVM engine", () => {
  it.each(["real", "emulated"] as const)("is that it runs on a KVM that is %s", (state) => {
    const { engines } = otherwise({ kvm: { ...report.kvm, state, reason: null } });
    expect(engines[1]).toMatchObject({ name: "kvm", abi: "hvt", runs: true, because: [] });
  });

  it.each(["absent", "denied", "broken"] as const)("is that it does not run on one that is %s, and why", (state) => {
    const { engines, lacks } = otherwise({ kvm: { ...report.kvm, state, reason: "EIO" } });
    const because = lacks.filter(({ subject }) => subject === "kvm").map(({ reason }) => reason);
    expect(because).toHaveLength(1);
    expect(engines[1]).toMatchObject({ name: "kvm", abi: "hvt", runs: false, because });
  });
});

describe("skiff doctor for people", () => {
  const colour = "\u001b[";

  it("names every part of the host, in lines that fit, without colour where it is no terminal", () => {
    const { stdout, stderr } = run([process.execPath, skiff.path, "doctor"]);
    expect(stderr).toBe("");
    for (const name of ["process", "memory", "seccomp", "kvm", "tap", "namespaces", "cgroup"]) {
      expect(stdout).toMatch(new RegExp(`^  (ok   |lacks)  ${name} `, "m"));
    }
    expect(stdout).not.toContain(colour);
    const long = stdout.split("\n").filter((line) => line.length > 100 && !line.startsWith("  mend"));
    expect(long).toEqual([]);
  });

  it("puts each mend under what it mends, as a whole line to copy", () => {
    const mend = ["a command ".repeat(20).trim(), "another"];
    const lacks = [{ subject: "tap", reason: "is lacking", mend }];
    const lines = formatReport({ ...report, lacks }, { colour: false }).split("\n");
    const at = lines.findIndex((line) => line.startsWith("  lacks  tap"));
    expect(lines.slice(at + 1, at + 3).map((line) => line.slice(30))).toEqual(mend);
    expect(lines.slice(at + 1, at + 3).every((line) => line.startsWith("  mend "))).toBe(true);
  });

  it("tells a real KVM from an emulated one", () => {
    const real = otherwise({
      kvm: { ...report.kvm, state: "real", instructionNs: 0.57, apiVersion: 12, reason: null },
    });
    expect(formatReport(real, { colour: false })).toMatch(/^ {2}ok {5}kvm +real, 0.57 ns an instruction/m);
    const emulated = otherwise({ kvm: { ...report.kvm, state: "emulated", instructionNs: 682, reason: null } });
    expect(formatReport(emulated, { colour: false })).toMatch(/^ {2}lacks {2}kvm +emulated/m);
  });

  it("has colour on a terminal, unless NO_COLOR asks for none", () => {
    const folder = mkdtempSync(join(tmpdir(), "skiff-doctor-"));
    try {
      const onTerminal = (NO_COLOR: string) => {
        const command = `'${process.execPath}' '${skiff.path}' doctor`;
        const log = join(folder, "typescript");
        return run(["script", "-qec", command, log], { TERM: "xterm", NO_COLOR }).stdout;
      };
      expect(onTerminal("")).toContain(`${colour}1mSkiff `);
      expect(onTerminal("1")).toMatch(/^Skiff /);
      expect(onTerminal("1")).not.toContain(colour);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses what it does not know, in one line", () => {
    const { status, stderr } = run([process.execPath, skiff.path, "doctor", "--jsno"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^skiff: unknown option '--jsno'.*\n$/);
  });
});
