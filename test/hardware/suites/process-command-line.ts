import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { kitImage, run, skiff } from "../guest/kit-guest.ts";
import { attached, makeLastingTap, removeTap } from "../guest/tap.ts";

describe("skiff run", () => {
  it("becomes the guest", () => {
    const stdout = "Hello from a unikernel.\nCommand line: a b\n";
    assert.deepEqual(skiff(["run", kitImage("hello"), "a", "b"]), { end: 0, stdout, stderr: "" });
  });

  it("ends with the guest's status, or by its signal", () => {
    assert.equal(skiff(["run", kitImage("status"), "42"]).end, 42);
    assert.equal(skiff(["run", kitImage("protection"), "text-write"]).end, "SIGSEGV");
    assert.equal(skiff(["run", kitImage("syscall"), "599"]).end, "SIGSYS");
  });

  it("attaches a file", () => {
    writeFileSync("/tmp/run.img", Buffer.alloc(16384));
    const { end, stdout } = skiff(["run", "--block", "storage=/tmp/run.img,sector=4096", kitImage("block")]);
    assert.equal(stdout, "block: capacity=16384 block_size=4096\nblock: ok\n");
    assert.equal(end, 0);
  });

  it("attaches a tap, and leaves nothing of Node", async () => {
    makeLastingTap("run0", "10.2.0.1/24");
    const options = ["run", "--net", "service=run0", kitImage("net"), "--ipv4=10.2.0.2/24"];
    const guest = spawn(process.execPath, ["/skiff/dist/skiff.cjs", ...options], { stdio: "ignore" });
    const ended = once(guest, "exit");
    try {
      await attached("run0");
      // The answer says that Node has gone: the guest has the process.
      const { end, stdout } = run("ping", ["-c", "1", "-W", "10", "10.2.0.2"]);
      assert.equal(end, 0, stdout);
      const maps = readFileSync(`/proc/${guest.pid}/maps`, "utf8");
      assert.ok(!/node|lib|stack/.test(maps), maps);
      assert.equal(readFileSync(`/proc/${guest.pid}/comm`, "utf8"), "net.spt\n");
    } finally {
      guest.kill("SIGKILL");
      await ended;
      removeTap("run0");
    }
  });

  it("says in one line what is wrong, and how to mend it", () => {
    writeFileSync("/tmp/odd.img", Buffer.alloc(1000));
    writeFileSync("/tmp/text", "no image");
    const other = kitImage("hello").replace(/(aarch64|x86_64)/, (name) => (name === "aarch64" ? "x86_64" : "aarch64"));
    for (const [args, message] of [
      [["--block", "storage=/tmp/odd.img", kitImage("block")], /1000 bytes are not a whole number of 512-byte sectors/],
      [[kitImage("block")], /'storage'.*not attached; add --block/],
      [["--net", "service=tap9", kitImage("net")], /tap9.*no such interface/],
      [["--net", "other=tap9", kitImage("hello")], /no such device/],
      [["/tmp/text"], /\/tmp\/text/],
      [[other], /(x86-64|aarch64)/],
    ] as const) {
      const { end, stdout, stderr } = skiff(["run", ...args]);
      assert.deepEqual([end, stdout], [1, ""], stderr);
      assert.match(stderr, /^skiff: [^\n]+\n$/);
      assert.match(stderr, message);
    }
  });
});

describe("skiff build", () => {
  it("writes an executable that needs neither Node nor a library", () => {
    const built = skiff(["build", kitImage("hello"), "-o", "/tmp/hello"]);
    assert.deepEqual(built, { end: 0, stdout: "", stderr: "" });
    mkdirSync("/tmp/nothing", { recursive: true });
    copyFileSync("/tmp/hello", "/tmp/nothing/hello");
    const stdout = "Hello from a unikernel.\nCommand line: alone\n";
    assert.deepEqual(run("chroot", ["/tmp/nothing", "/hello", "alone"]), { end: 0, stdout, stderr: "" });
  });
});
