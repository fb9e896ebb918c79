import { describe, expect, it } from "vitest";
import { type KvmFacts, kvmLacks } from "../../../src/host/probe/kvm.ts";
import { asRoot } from "../../../src/host/probe/lack.ts";
import { type NamespaceFacts, namespaceLacks } from "../../../src/host/probe/namespace.ts";
import { tapLacks } from "../../../src/host/probe/tap.ffi.ts";
import { type ToolFacts, toolLacks } from "../../../src/host/probe/tool.ts";

const KVM: KvmFacts = {
  state: "real",
  apiVersion: 12,
  instructionNs: 0.6,
  modules: [],
  processorSupport: null,
  reason: null,
};

describe("a host without KVM", () => {
  it("lacks nothing where it has a real one", () => {
    expect(kvmLacks(KVM, "x86-64")).toEqual([]);
  });

  it.each([
    ["vmx", "kvm_intel"],
    ["svm", "kvm_amd"],
  ] as const)("loads the module for %s", (processorSupport, module) => {
    const lacks = kvmLacks({ ...KVM, state: "absent", processorSupport }, "x86-64");
    expect(lacks).toEqual([{ subject: "kvm", reason: "there is no /dev/kvm", mend: [asRoot(`modprobe ${module}`)] }]);
  });

  it("is told where to turn it on where no command can", () => {
    const reasons = ["x86-64", "aarch64"].map((name) => kvmLacks({ ...KVM, state: "absent" }, name)[0]);
    expect(reasons[0]).toMatchObject({ reason: expect.stringContaining("firmware"), mend: [] });
    expect(reasons[1]).toMatchObject({ reason: expect.stringContaining("EL2"), mend: [] });
  });

  it("hears of an emulated one how slow it is, and by what", () => {
    const [lack] = kvmLacks({ ...KVM, state: "emulated", instructionNs: 682, modules: ["kvm_pvm"] }, "x86-64");
    expect(lack?.reason).toContain("emulated by kvm_pvm, 682 ns an instruction");
  });

  it("hears of a broken one which request it refused", () => {
    const reason = "/dev/kvm: KVM_RUN failed with EFAULT";
    expect(kvmLacks({ ...KVM, state: "broken", reason }, "x86-64")).toEqual([{ subject: "kvm", reason, mend: [] }]);
  });
});

describe("a host without taps", () => {
  const facts = { device: "opens", netAdmin: true, create: true } as const;

  it.each([
    [{ ...facts, device: "absent", create: false }, "modprobe tun"],
    [{ ...facts, device: "denied", create: false }, "chmod 666 /dev/net/tun"],
    [{ ...facts, netAdmin: false, create: false }, "ip tuntap add dev tap0 mode tap user $USER"],
  ] as const)("%j", (tap, command) => {
    expect(tapLacks(tap)).toMatchObject([{ subject: "tap", mend: [asRoot(command)] }]);
  });

  it("lacks nothing where they can be made", () => {
    expect(tapLacks(facts)).toEqual([]);
  });
});

describe("a host without namespaces", () => {
  const facts: NamespaceFacts = { user: "direct", mount: "nested", net: "nested", pid: "nested", restrictions: [] };

  it("lacks nothing where they can be made inside a user namespace", () => {
    expect(namespaceLacks(facts)).toEqual([]);
  });

  it("is mended by the parameters that restrict them", () => {
    const restrictions = ["kernel.apparmor_restrict_unprivileged_userns=1"];
    const [lack] = namespaceLacks({ user: "none", mount: "none", net: "none", pid: "none", restrictions });
    expect(lack?.reason).toBe("this user may make no user, mount, net, pid namespace");
    expect(lack?.mend).toEqual([asRoot("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")]);
  });

  it("may lack them by a policy that no command mends", () => {
    expect(namespaceLacks({ ...facts, net: "none" })).toMatchObject([
      { reason: expect.stringMatching(/no net namespace: a container's policy/), mend: [] },
    ]);
  });

  it("needs unshare to find out", () => {
    const unknown = { user: "unknown", mount: "unknown", net: "unknown", pid: "unknown" } as const;
    expect(namespaceLacks({ ...unknown, restrictions: [] })[0]?.mend[0]).toContain("util-linux");
  });
});

describe("other runtimes", () => {
  const tool: ToolFacts = {
    name: "runc",
    path: "/usr/bin/runc",
    version: "1.1.5",
    service: null,
    debianPackage: "runc",
  };

  it("are installed by their packages' names, where there are any", () => {
    const absent = { path: null, version: null };
    const bwrap = { ...tool, ...absent, name: "bwrap", debianPackage: "bubblewrap" };
    const firecracker = { ...tool, ...absent, name: "firecracker", debianPackage: null };
    expect(toolLacks([tool, bwrap, firecracker])).toEqual([
      {
        subject: "tools",
        reason: "not installed: bwrap, firecracker",
        mend: [asRoot("apt-get install bubblewrap")],
      },
    ]);
    expect(toolLacks([firecracker])).toMatchObject([{ mend: [] }]);
    expect(toolLacks([tool])).toEqual([]);
  });

  it("may have a program whose service does not answer", () => {
    const docker = { ...tool, name: "docker" };
    expect(toolLacks([docker])).toMatchObject([{ subject: "docker", reason: "its engine does not answer" }]);
    expect(toolLacks([{ ...docker, service: "28.2.2" }])).toEqual([]);
  });
});
