import { closeSync, existsSync, readlinkSync } from "node:fs";
import { expect, it } from "vitest";
import { makeNamespace, namespaceOfTests } from "./namespace.ts";
import { describeWith, program, root } from "./needs.ts";
import { attachTun } from "./tap.ffi.ts";

describeWith([root, program("ip", "iproute2")], "a namespace for tests", () => {
  const namespace = namespaceOfTests();
  const ownNamespace = () => readlinkSync("/proc/thread-self/ns/net");

  it("holds what is made in it, and nothing of the host", () => {
    namespace.addTap("tap0", "10.0.0.1/24");
    const names = (text: string) => [...text.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name);
    expect(names(namespace.ip("link show"))).toEqual(["lo", "tap0"]);
    expect(namespace.ip("address show tap0")).toContain("10.0.0.1/24");
  });

  it("is left again, whatever the action does", () => {
    const home = ownNamespace();
    expect(namespace.inside(ownNamespace)).not.toBe(home);
    expect(ownNamespace()).toBe(home);
    const failing = () =>
      namespace.inside(() => {
        throw new Error("on purpose");
      });
    expect(failing).toThrow("on purpose");
    expect(ownNamespace()).toBe(home);
  });

  it("gives what is opened in it", () => {
    const descriptor = namespace.inside(() => attachTun("tap1"));
    expect(namespace.ip("link show")).toContain("tap1");
    closeSync(descriptor);
    expect(namespace.ip("link show")).not.toContain("tap1");
  });

  it("is gone once it is removed", () => {
    const brief = makeNamespace();
    const path = `/run/netns/${brief.name}`;
    expect(existsSync(path)).toBe(true);
    brief.remove();
    expect(existsSync(path)).toBe(false);
  });
});
