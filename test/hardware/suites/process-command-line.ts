import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { kitImage, run, skiff } from "../guest/kit-guest.ts";
import { assertGuestMemoryAlone } from "../guest/process-facts.ts";
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
    const options = ["run", "--net", "service=run0", "--mem", "64", kitImage("net"), "--ipv4=10.2.0.2/24"];
    const guest = spawn(process.execPath, ["/skiff/dist/skiff.cjs", ...options], { stdio: "ignore" });
    const ended = once(guest, "exit");
    try {
      await attached("run0");
      // The answer says that Node has gone: the guest has the process.
      const { end, stdout } = run("ping", ["-c", "1", "-W", "10", "10.2.0.2"]);
      assert.equal(end, 0, stdout);
      assertGuestMemoryAlone(guest.pid ?? 0, 64 << 20);
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
  it("writes the same executable as on a machine of another architecture, and it needs neither Node nor a library", () => {
    const built = skiff(["build", kitImage("hello"), "-o", "/tmp/hello"]);
    assert.deepEqual(built, { end: 0, stdout: "", stderr: "" });
    const elsewhere = readFileSync("/skiff/built-elsewhere/hello");
    assert.ok(readFileSync("/tmp/hello").equals(elsewhere));
    mkdirSync("/tmp/nothing", { recursive: true });
    writeFileSync("/tmp/nothing/hello", elsewhere, { mode: 0o755 });
    const stdout = "Hello from a unikernel.\nCommand line: alone\n";
    assert.deepEqual(run("chroot", ["/tmp/nothing", "/hello", "alone"]), { end: 0, stdout, stderr: "" });
  });

  it("writes an executable that takes its devices by descriptor", () => {
    const options = ["--block", "storage=@3,capacity=64K", "-o", "/tmp/block"];
    assert.equal(skiff(["build", ...options, kitImage("block")]).end, 0);
    writeFileSync("/tmp/disk.img", Buffer.alloc(65536));
    const { end, stdout } = run("sh", ["-c", "/tmp/block 3<>/tmp/disk.img"]);
    assert.equal(stdout, "block: capacity=65536 block_size=512\nblock: ok\n");
    assert.equal(end, 0);
    assert.match(run("/tmp/block").stderr, /^block: block device 'storage' [^\n]+\n$/);
  });
});

describe("skiff-spt", () => {
  it("takes the words of upstream's tender", () => {
    writeFileSync("/tmp/spt.img", Buffer.alloc(65536));
    const words = ["--mem=16", "--block:storage=/tmp/spt.img", "--block-sector-size:storage=4096", kitImage("block")];
    const { end, stdout } = run(process.execPath, ["/skiff/dist/skiff-spt.cjs", ...words]);
    assert.ok(stdout.endsWith("block: capacity=65536 block_size=4096\nblock: ok\n"), stdout);
    assert.equal(end, 0);
  });
});
