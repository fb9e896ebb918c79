import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { MEMORY_BYTES, makeGuest, run } from "../guest/kit-guest.ts";
import { assertGuestMemoryAlone, openFiles } from "../guest/process-facts.ts";
import { makeTap } from "../guest/tap.ts";

const ECHO_PORT = 7;

describe("guests as processes", () => {
  it("say hello with their command line", () => {
    const stdout = "Hello from a unikernel.\nCommand line: over the wire\n";
    assert.deepEqual(run(makeGuest("hello"), ["over", "the", "wire"]), { end: 0, stdout, stderr: "" });
  });

  it("end with their own status", () => {
    const status = makeGuest("status");
    for (const end of [0, 1, 2, 127, 128, 255]) assert.equal(run(status, [`${end}`]).end, end);
    assert.equal(run(status, ["abort"]).end, 255);
  });

  it("see both clocks go, and wait until a deadline", () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    const { end, stdout } = run(makeGuest("time"), ["5", "1000000"]);
    assert.equal(end, 0, stdout);
    const wall = BigInt(/wall_ns=(\d+)/.exec(stdout)?.[1] ?? 0);
    assert.ok(before <= wall && wall <= BigInt(Date.now() + 1) * 1_000_000n, stdout);
  });

  it("own all of their memory", () => {
    const { end, stdout } = run(makeGuest("memory"));
    assert.equal(end, 0, stdout);
    assert.match(stdout, /end=0x800000 /);
  });

  it("have variables for each thread", () => {
    assert.deepEqual(run(makeGuest("tls")), { end: 0, stdout: "tls: ok\n", stderr: "" });
  });

  it("write more than a pipe holds", () => {
    const { end, stdout } = run(makeGuest("output"), ["300000", "4096"]);
    assert.equal(end, 0);
    assert.equal(stdout.length, 300_000);
    const lines = stdout.trimEnd().split("\n");
    assert.ok(lines.slice(0, -1).every((line, number) => Number.parseInt(line, 16) === number));
  });
});

describe("computing guests", () => {
  it("give the results of the other architecture", () => {
    // The lines of the same images where they were first run, on x86-64; pi is the double nearest to the partial sum.
    for (const [name, args, expected] of [
      ["prime", ["2"], "checksum=0000000000000998"],
      ["sieve", ["1"], "checksum=0000000000014069"],
      ["sha256", ["2"], "checksum=becd64d936536724"],
      ["matmul", ["1"], "checksum=2d34b97639dd26f4"],
      ["crc32", ["1"], "checksum=00000000f1767b73"],
      ["chase", ["4096"], "checksum=efa67c0d7c37e4b4"],
      ["fpu", [], "pi=400921f0d7e9688c lanes=260b1ea9850477aa0433a3eb6779ac6c"],
    ] as const) {
      const { end, stdout, stderr } = run(makeGuest(name), args);
      assert.equal(end, 0, `${name}: ${stderr}`);
      assert.ok(stdout.includes(expected), stdout);
    }
  });

  it("give the digest that Node gives", () => {
    const { stdout } = run(makeGuest("sha256"), ["--text=skiff"]);
    assert.ok(stdout.includes(createHash("sha256").update("skiff").digest("hex")), stdout);
  });
});

describe("protections of memory", () => {
  /** A guest's boot information is its own: to write it harms nobody else, and the ABI asks for no more. */
  const ENDS = new Map<string, number | string>([
    ["boot-info-write", 1],
    ["stack-smash", 255],
    ["illegal-instruction", "SIGILL"],
  ]);

  it("end a guest that breaks one", () => {
    const guest = makeGuest("protection");
    const probes = run(guest).stdout.trim().split("\n");
    assert.ok(probes.length >= 14, probes.join(" "));
    for (const probe of probes) {
      const { end, stdout } = run(guest, [probe]);
      assert.ok(stdout.startsWith(`protection: ${probe}\n`), stdout);
      assert.equal(end, ENDS.get(probe) ?? "SIGSEGV", probe);
    }
  });
});

describe("block devices", () => {
  const CAPACITY = 65536;

  it("keep what is written, and nothing outside them can be reached", () => {
    writeFileSync("/tmp/storage", Buffer.alloc(CAPACITY));
    const descriptor = openSync("/tmp/storage", "r+");
    const { end, stdout } = run(makeGuest("block", { blockCapacityBytes: CAPACITY }), [], [descriptor]);
    closeSync(descriptor);
    assert.equal(stdout, `block: capacity=${CAPACITY} block_size=512\nblock: ok\n`);
    assert.equal(end, 0);
    assert.notDeepEqual(readFileSync("/tmp/storage").subarray(-512), Buffer.alloc(512));
  });

  it("must have the capacity that the executable was built for", () => {
    writeFileSync("/tmp/storage", Buffer.alloc(CAPACITY - 512));
    const descriptor = openSync("/tmp/storage", "r+");
    const { end, stdout, stderr } = run(makeGuest("block", { blockCapacityBytes: CAPACITY }), [], [descriptor]);
    closeSync(descriptor);
    assert.deepEqual([end, stdout], [1, ""]);
    assert.match(stderr, /^skiff: block device 'storage' .*65536 bytes.*\n$/);
  });
});

describe("net devices", () => {
  const MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x42);

  /** Starts a guest that serves on its descriptors, and ends it once `use` is done. */
  async function withGuest(
    program: string,
    args: readonly string[],
    descriptors: readonly number[],
    use: (guest: ChildProcess) => Promise<void>,
  ): Promise<void> {
    const guest = spawn(program, args, { stdio: ["ignore", "pipe", "inherit", ...descriptors] });
    const ended = once(guest, "exit");
    try {
      await use(guest);
    } finally {
      guest.kill("SIGKILL");
      await ended;
      for (const descriptor of descriptors) closeSync(descriptor);
    }
  }

  async function echo(address: string, text: string): Promise<string> {
    const socket = createSocket("udp4");
    try {
      socket.send(text, ECHO_PORT, address);
      const [answer] = await once(socket, "message", { signal: AbortSignal.timeout(10_000) });
      return answer.toString();
    } finally {
      socket.close();
    }
  }

  it("answer ARP with their MAC, ping and UDP", async () => {
    await withGuest(makeGuest("net", { mac: MAC }), [], [makeTap("net0", "10.0.0.1/24")], async () => {
      const { end, stdout } = run("ping", ["-c", "3", "-W", "10", "10.0.0.2"]);
      assert.equal(end, 0, stdout);
      assert.match(stdout, /3 packets transmitted, 3 packets received/);
      assert.match(readFileSync("/proc/net/arp", "utf8"), /^10\.0\.0\.2 .* 02:00:00:00:00:42 /m);
      for (const text of ["", "a datagram", "x".repeat(1472)]) assert.equal(await echo("10.0.0.2", text), text);
    });
  });

  it("end with the guest's status when it has answered enough", async () => {
    const tap = makeTap("net0", "10.0.0.1/24");
    await withGuest(makeGuest("net"), ["--limit=4"], [tap], async (guest) => {
      const ended = once(guest, "exit");
      // One answer to ARP, and three.
      run("ping", ["-c", "3", "-W", "1", "10.0.0.2"]);
      assert.deepEqual(await ended, [0, null]);
    });
  });

  it("come in pairs", async () => {
    const taps = [makeTap("net0", "10.0.0.1/24"), makeTap("net1", "10.1.0.1/24")];
    await withGuest(makeGuest("net2"), [], taps, async () => {
      for (const address of ["10.0.0.2", "10.1.0.2"]) assert.equal(await echo(address, address), address);
    });
  });

  it("and the rest of the process is all that a guest has", async () => {
    const foreign = Array.from({ length: 4 }, () => openSync("/dev/null", "r+"));
    await withGuest(makeGuest("net"), [], [makeTap("net0", "10.0.0.1/24"), ...foreign], async (guest) => {
      assert.equal(await echo("10.0.0.2", "ready"), "ready");
      const pid = guest.pid ?? 0;
      const folder = `/proc/${pid}`;
      const status = readFileSync(`${folder}/status`, "utf8");
      assert.match(status, /^Name:\tnet$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.match(status, /^Seccomp:\t2$/m);
      assert.match(status, /^Threads:\t1$/m);
      const files = openFiles(pid);
      assert.equal(files.length, 6, files.join(" "));
      assert.deepEqual(files.slice(3), ["/dev/net/tun", "anon_inode:[eventpoll]", "anon_inode:[timerfd]"]);
      assertGuestMemoryAlone(pid, MEMORY_BYTES);
      assert.equal(readFileSync(`${folder}/environ`).length, 0);
    });
  });
});

describe("63 devices", () => {
  const BLOCKS = 32;
  const NETS = 31;
  const CAPACITY = 4096;

  it("are all attached, each to its own", () => {
    const files = Array.from({ length: BLOCKS }, (_, number) => `/tmp/block${number}`);
    for (const file of files) writeFileSync(file, Buffer.alloc(CAPACITY));
    const taps = Array.from({ length: NETS }, (_, number) => `many${number}`);
    const descriptors = [...files.map((file) => openSync(file, "r+")), ...taps.map((tap) => makeTap(tap))];
    try {
      const guest = makeGuest("devices63", { blockCapacityBytes: CAPACITY });
      assert.deepEqual(run(guest, [], descriptors), { end: 0, stdout: "devices63: ok\n", stderr: "" });
      for (const [number, file] of files.entries()) {
        const expected = Buffer.concat([Buffer.alloc(512, number + 1), Buffer.alloc(CAPACITY - 512)]);
        assert.deepEqual(readFileSync(file), expected, file);
      }
      for (const tap of taps) {
        // What the guest sends, the interface receives.
        assert.equal(readFileSync(`/sys/class/net/${tap}/statistics/rx_packets`, "utf8"), "1\n", tap);
      }
    } finally {
      for (const descriptor of descriptors) closeSync(descriptor);
    }
  });
});
