import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { arch, availableParallelism, totalmem } from "node:os";
import { describe, it } from "node:test";
import koffi from "koffi";
import { thisHost } from "../guest/this-host.ts";

const host = thisHost();
const libc = koffi.load("libc.so.6");

/** _SC_PAGESIZE of <unistd.h>, the same number on all Linux architectures of glibc. */
const SC_PAGESIZE = 30;
/** _IOW('T', 202, int) of <linux/if_tun.h>; O_RDWR tap without packet information. */
const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI = 0x1002;
/** _IO(0xAE, 0x00) of <linux/kvm.h>. */
const KVM_GET_API_VERSION = 0xae00;

function ip(...args: string[]): string {
  const result = spawnSync("ip", args, { encoding: "utf8" });
  assert.equal(result.status, 0, result.stderr);
  return result.stdout;
}

describe("the emulated host", () => {
  const ioctl = libc.func("int ioctl(int fd, unsigned long request, void *argument)");

  it("has the processors and the memory that its description says", () => {
    assert.equal(arch(), host.node.architecture);
    assert.equal(availableParallelism(), host.cpus);
    assert.ok(totalmem() > 0.8 * host.memoryMib * 2 ** 20, `${totalmem()} bytes`);
  });

  it("has pages of the size that its description says", () => {
    const sysconf = libc.func("long sysconf(int name)");
    assert.equal(sysconf(SC_PAGESIZE), host.kernel.pageBytes);
  });

  it("calls libc through koffi", () => {
    const getpid = libc.func("int getpid()");
    assert.equal(getpid(), process.pid);
  });

  it("has seccomp filters that can kill a process", () => {
    const actions = readFileSync("/proc/sys/kernel/seccomp/actions_avail", "utf8").trim().split(" ");
    assert.ok(actions.includes("kill_process"), actions.join(" "));
  });

  it("makes a tap", () => {
    const fd = openSync("/dev/net/tun", "r+");
    try {
      const request = Buffer.alloc(40);
      request.write("tap0");
      request.writeUInt16LE(IFF_TAP_NO_PI, 16);
      assert.equal(ioctl(fd, TUNSETIFF, request), 0);
      assert.match(ip("link", "show", "tap0"), /tap0: /);
    } finally {
      closeSync(fd);
    }
  });

  it("offers KVM", () => {
    const fd = openSync("/dev/kvm", "r+");
    try {
      assert.equal(ioctl(fd, KVM_GET_API_VERSION, null), 12);
    } finally {
      closeSync(fd);
    }
  });
});
