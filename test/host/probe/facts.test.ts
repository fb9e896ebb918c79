import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CAP_NET_ADMIN, CAP_SYS_RAWIO, holdsCapability } from "../../../src/host/probe/capability.ts";
import { cgroupLacks, probeCgroup } from "../../../src/host/probe/cgroup.ts";
import { processorSupport } from "../../../src/host/probe/kvm.ts";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { kibibytes, nameProcessor, pageBytesOf, probeMachine } from "../../../src/host/probe/machine.ts";
import { commitLacks, layoutLacks, probeMemory } from "../../../src/host/probe/memory.ts";
import { findRestrictions } from "../../../src/host/probe/namespace.ts";
import { probeSeccomp, seccompLacks } from "../../../src/host/probe/seccomp.ts";
import { type ReadText, readField } from "../../../src/host/probe/text.ts";
import { findVersion } from "../../../src/host/probe/tool.ts";

/** Files of another host. */
function files(contents: Readonly<Record<string, string>>): ReadText {
  return (path) => contents[path];
}

describe("the machine", () => {
  it("is this one", () => {
    const machine = probeMachine();
    expect(machine.pageBytes).toBe(Number(execFileSync("getconf", ["PAGESIZE"], { encoding: "utf8" })));
    expect(machine.processorCount).toBeGreaterThanOrEqual(1);
    expect(machine.processorCount).toBeLessThanOrEqual(Number(execFileSync("nproc", { encoding: "utf8" })));
    expect(machine.kernel).toBe(readFileSync("/proc/sys/kernel/osrelease", "utf8").trim());
    expect(machine.memoryBytes).toBeGreaterThan(machine.memoryAvailableBytes);
    expect(machine.memoryAvailableBytes).toBeGreaterThan(0);
  });

  it("has its board's name without the device tree's final zero", () => {
    const read = files({ "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0" });
    expect(probeMachine(read).board).toBe("Raspberry Pi 4 Model B Rev 1.4");
    expect(probeMachine(files({})).board).toBeNull();
  });

  it.each([
    ["model name\t: AMD EPYC  7B13\nflags\t\t: fpu", "AMD EPYC 7B13"],
    ["CPU implementer\t: 0x41\nCPU part\t: 0xd08\n\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n", "Cortex-A72"],
    [
      "CPU implementer\t: 0x41\nCPU part\t: 0xd03\n\nCPU implementer\t: 0x41\nCPU part\t: 0xd09\n",
      "Cortex-A53 + Cortex-A73",
    ],
    ["CPU implementer\t: 0x61\nCPU part\t: 0x022\n", "implementer 0x61 part 0x022"],
    ["", "unknown"],
  ])("is named after /proc/cpuinfo: %j", (cpuinfo, name) => {
    expect(nameProcessor(cpuinfo)).toBe(name);
  });

  it("has the page size of the auxiliary vector, or none", () => {
    const vector = Buffer.alloc(48);
    vector.writeBigUInt64LE(33n, 0);
    vector.writeBigUInt64LE(6n, 16);
    vector.writeBigUInt64LE(16384n, 24);
    expect(pageBytesOf(vector)).toBe(16384);
    expect(() => pageBytesOf(Buffer.alloc(16))).toThrow("AT_PAGESZ");
  });

  it("measures memory in what the kernel calls kB", () => {
    expect(kibibytes("24684096 kB")).toBe(24684096 * 1024);
    expect(kibibytes(undefined)).toBe(0);
  });
});

describe("capabilities", () => {
  it.each([
    ["CapEff:\t000001ffffffffff", true, true],
    ["CapPrm:\t000001ffffffffff\nCapEff:\t0000000000001000", true, false],
    ["CapEff:\t0000000000000000", false, false],
    ["Name:\tnode", false, false],
  ])("are the effective ones: %j", (status, netAdmin, rawIo) => {
    expect(holdsCapability(status, CAP_NET_ADMIN)).toBe(netAdmin);
    expect(holdsCapability(status, CAP_SYS_RAWIO)).toBe(rawIo);
  });
});

describe("cgroups", () => {
  const version1 = [
    "32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct",
    "33 25 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd",
  ];
  const version2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
  const table = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t4\t90\t1\ncpuacct\t4\t90\t1\nmemory\t0\t1\t1\n";

  it("are of version 2 where its one hierarchy is mounted", () => {
    const read = files({
      "/proc/self/mountinfo": version2,
      "/proc/cgroups": table,
      "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    });
    const facts = { version: 2, controllers: ["cpu", "cpuset", "io", "memory", "pids"], unifiedPath: null };
    expect(probeCgroup(read)).toEqual(facts);
  });

  it("are of version 1 where it holds the controllers, with or without version 2 beside it", () => {
    const read = (mounts: string[]) => files({ "/proc/self/mountinfo": mounts.join("\n"), "/proc/cgroups": table });
    const facts = { version: 1, controllers: ["cpu", "cpuacct"], unifiedPath: null };
    expect(probeCgroup(read(version1))).toEqual(facts);
    const beside = version2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified");
    expect(probeCgroup(read([...version1, beside]))).toEqual({ ...facts, unifiedPath: "/sys/fs/cgroup/unified" });
  });

  it("are lacking where none is mounted", () => {
    const facts = probeCgroup(files({ "/proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw" }));
    expect(facts).toEqual({ version: null, controllers: [], unifiedPath: null });
    expect(cgroupLacks(facts)[0]?.mend[0]).toContain("mount -t cgroup2 none /sys/fs/cgroup");
  });
});

describe("namespaces", () => {
  it("are restricted by the parameters that say so", () => {
    const read = files({
      "/proc/sys/user/max_user_namespaces": "0\n",
      "/proc/sys/user/max_net_namespaces": "96421\n",
      "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
      "/proc/sys/kernel/unprivileged_userns_clone": "1\n",
    });
    const found = ["user.max_user_namespaces=0", "kernel.apparmor_restrict_unprivileged_userns=1"];
    expect(findRestrictions(read)).toEqual(found);
  });
});

describe("memory", async () => {
  const libc = await loadProbeLibc();
  const NO_RIGHTS = "CapEff:\t0000000000000000";

  it("is promised without limit, unless the kernel is told to keep count", () => {
    const read = (mode: string) =>
      files({
        "/proc/sys/vm/overcommit_memory": mode,
        "/proc/meminfo": "CommitLimit:     1000000 kB\nCommitted_AS:     900000 kB\n",
      });
    expect(commitLacks(probeMemory(libc, read("0\n")))).toEqual([]);
    expect(probeMemory(libc, read("1\n"))).toMatchObject({ overcommit: "always", commitAvailableBytes: null });
    const counted = probeMemory(libc, read("2\n"));
    expect(counted).toMatchObject({ overcommit: "never", commitAvailableBytes: 100_000 * 1024 });
    expect(commitLacks(counted)).toMatchObject([{ reason: expect.stringContaining("only 97 MiB") }]);
  });

  it("has a lowest address, for those who have no right to pass it", () => {
    const read = (limit: string, status: string) =>
      files({ "/proc/sys/vm/mmap_min_addr": limit, "/proc/self/status": status });
    expect(layoutLacks(probeMemory(libc, read("65536\n", NO_RIGHTS)))).toEqual([]);
    expect(layoutLacks(probeMemory(libc, read("131072\n", "CapEff:\t0000000000020000")))).toEqual([]);
    const lacks = layoutLacks(probeMemory(libc, read("131072\n", NO_RIGHTS)));
    expect(lacks).toMatchObject([{ subject: "memory", mend: [expect.stringContaining("vm.mmap_min_addr=65536")] }]);
  });
});

describe("seccomp", async () => {
  const libc = await loadProbeLibc();
  const read = (actions: string) => files({ "/proc/sys/kernel/seccomp/actions_avail": actions });

  it("is what this kernel answers", () => {
    const mode = () => readField(readFileSync("/proc/self/status", "utf8"), "Seccomp");
    const before = mode();
    const facts = probeSeccomp(libc);
    expect(facts).toEqual({ filter: true, killProcess: true, noNewPrivileges: true });
    expect(seccompLacks(facts)).toEqual([]);
    expect(mode()).toBe(before);
  });

  it("is lacking where the kernel refuses filters, or cannot end a process by them", () => {
    const refuses = { ...libc, prctl: () => -1, errno: () => 22 };
    expect(seccompLacks(probeSeccomp(refuses)).map(({ reason }) => reason)).toEqual([
      expect.stringContaining("CONFIG_SECCOMP_FILTER"),
      expect.stringContaining("PR_SET_NO_NEW_PRIVS"),
    ]);
    expect(seccompLacks(probeSeccomp(libc, read("kill_thread trap errno trace allow\n")))).toMatchObject([
      { reason: expect.stringContaining("cannot end a process") },
    ]);
  });
});

describe("what programs say about themselves", () => {
  it.each([
    ["runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev", "1.1.5+ds1"],
    ["crun version 1.8.1\ncommit: f8a096be060b22ccd3d5f3ebe44108517fbf6c30", "1.8.1"],
    ["runsc version release-20240311.0\nspec: 1.1.0-rc.1", "20240311.0"],
    ["Docker version 28.2.2, build e6534b4", "28.2.2"],
    ["podman version 4.3.1", "4.3.1"],
    ["bubblewrap 0.8.0", "0.8.0"],
    ["systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT", "252"],
    ["QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", "7.2.22"],
    ["Firecracker v1.7.0\n\nSupported snapshot data format versions: v1.0.0", "1.7.0"],
    ["cloud-hypervisor v38.0.0", "38.0.0"],
    ["solo5-spt tender, version v0.6.9-3-g1234567\nABI version 1", "0.6.9-3-g1234567"],
    ["29.0.1\n", "29.0.1"],
    ["4.17.7-pre", "4.17.7-pre"],
  ])("%j", (output, version) => {
    expect(findVersion(output)).toBe(version);
  });

  it("may be nothing", () => {
    expect(findVersion("Cannot connect to the daemon")).toBeUndefined();
  });
});

describe("the processor's virtualization", () => {
  it("is a flag on x86", () => {
    expect(processorSupport("flags\t\t: fpu vmx sse")).toBe("vmx");
    expect(processorSupport("flags\t\t: fpu svm svm_lock")).toBe("svm");
    expect(processorSupport("flags\t\t: fpu svm_lock")).toBeNull();
    expect(processorSupport(undefined)).toBeNull();
  });
});
