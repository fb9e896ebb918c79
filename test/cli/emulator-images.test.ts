/** Every AArch64 image of the kit, run by the emulator. Those of `hosted-guests.ts` are not here once more. */
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Running, run, start } from "../support/command.ts";
import { kitImagePath } from "../support/guest.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff } from "./bundled-skiff.ts";

const GUESTS = join(import.meta.dirname, "../../guests");
const NATIVE = join(GUESTS, "native", process.arch === "arm64" ? "aarch64" : "x86_64");
const skiff = bundledSkiff();
const folder = temporaryFolder();
const image = (name: string) => kitImagePath(name, "hvt", "aarch64");
const words = (name: string, ...options: readonly string[]) => ["run", "--engine", "emulator", ...options, image(name)];

const BY_HOSTED_GUESTS = ["block", "hello", "memory", "output", "protection", "status", "time", "tls"];
/** A hostile guest has a test of its own. */
const BY_ITSELF = ["fuzz"];
const COMPUTE: readonly (readonly [name: string, ...words: readonly string[]])[] = [
  ["chase", "100000"],
  ["crc32", "10"],
  ["fpu"],
  ["matmul", "3"],
  ["prime", "3"],
  ["sha256", "10"],
  ["sieve", "3"],
  ["stream"],
  ["stream-integer"],
];
const KERNELS = ["sieve", "sha256", "chase", "matmul", "crc16", "fib", "matmul-f64", "triad", "search"];
const SERVERS = ["dnsd", "httpd", "httpd-tar", "kv", "kv-persist", "services", "stamps"];
const NETWORK = ["devices63", "frames", "net", "net2"];

it("are all tested", () => {
  const names = readdirSync(join(GUESTS, "images/aarch64")).flatMap((file) => /^(.*)\.hvt$/.exec(file)?.[1] ?? []);
  const computing = COMPUTE.map(([name]) => name);
  const tested = [...BY_HOSTED_GUESTS, ...BY_ITSELF, ...computing, ...SERVERS, ...NETWORK, "kernels", "transitions"];
  expect(tested.sort()).toEqual(names.sort());
});

/** What a program computed, without the times that it took. */
function results(output: string): string {
  return output
    .replaceAll(/ (ns|best_ns|mb_per_s|at)=\S+/g, "")
    .split("\n")
    .filter((line) => /checksum=|pi=/.test(line))
    .join("\n");
}

describe("an AArch64 image in the emulator", () => {
  it.each(COMPUTE)("%s computes what the native program computes", (name, ...args) => {
    const native = run(join(NATIVE, name), args);
    const { end, stdout, stderr } = skiff.run([...words(name, "--mem", "128"), ...args]);
    expect([end, stderr]).toEqual([0, ""]);
    expect(results(native.stdout)).not.toBe("");
    expect(results(stdout)).toBe(results(native.stdout));
  });

  it.each(KERNELS)("the kernel %s computes what the native one computes", (kernel) => {
    const native = run(join(NATIVE, "kernels"), [kernel, "3", "2"]);
    const { end, stdout, stderr } = skiff.run([...words("kernels", "--mem", "64"), kernel, "3", "2"]);
    expect([end, stderr]).toEqual([0, ""]);
    expect(results(native.stdout)).not.toBe("");
    expect(results(stdout)).toBe(results(native.stdout));
  });

  it("transitions counts its calls", () => {
    const { end, stdout } = skiff.run([...words("transitions", "--mem", "8"), "1000"]);
    expect(end).toBe(0);
    for (const call of ["none", "clock_wall", "clock_monotonic", "yield"]) {
      expect(stdout).toMatch(new RegExp(`^transitions: call=${call} calls=1000 ns=[1-9]\\d* `, "m"));
    }
  });
});

const needs = [
  root,
  program("ip", "iproute2"),
  program("ping", "iputils-ping"),
  program("curl", "curl"),
  program("dig", "bind9-dnsutils"),
  program("redis-cli", "redis-tools"),
  program("tar", "tar"),
];

describeWith(needs, "an AArch64 image in the emulator, on a network", () => {
  const network = namespaceOfTests();
  const running: Running[] = [];
  const ZONE = join(import.meta.dirname, "../servers/zones/example.zone");

  beforeAll(() => {
    mkdirSync(join(folder, "site"));
    writeFileSync(join(folder, "site/page.txt"), "a page\n");
    run("tar", ["-C", join(folder, "site"), "-cf", join(folder, "site.tar"), "."]);
    writeFileSync(join(folder, "zone"), readFileSync(ZONE));
    truncateSync(join(folder, "zone"), 32_768);
    sparseFile(join(folder, "kv.img"), 2 ** 20);
  });
  afterEach(async () => {
    for (const guest of running.splice(0)) {
      guest.kill("SIGKILL");
      await guest.ended;
    }
  });

  /** Starts a guest at 10.0.0.2, on a tap that goes with it. */
  async function serve(name: string, ready: RegExp, ...options: readonly string[]): Promise<Running> {
    const net = ["--net", "service=tap0,host=10.0.0.1/24", "--mem", "32", ...options];
    const guest = network.inside(() => skiff.start([...words(name, ...net), "--ipv4=10.0.0.2/24"]));
    running.push(guest);
    await guest.printed(ready);
    return guest;
  }
  const ask = (command: string, ...args: readonly string[]) => network.run(command, ...args).stdout;
  const READY = /: ready\n/;
  const LISTENS = / on port \d+\n/;

  it("net answers ping", async () => {
    await serve("net", /mtu 1500\n/);
    expect(ask("ping", "-q", "-c", "3", "-i", "0.01", "-s", "1400", "10.0.0.2")).toContain(" 3 received");
  });

  it("net2 answers ping on two devices", async () => {
    const devices = [0, 1].flatMap((number) => ["--net", `service${number}=tap${number},host=10.${number}.0.1/24`]);
    const guest = network.inside(() => skiff.start(words("net2", ...devices)));
    running.push(guest);
    await guest.printed(/(.*mtu 1500\n){2}/);
    for (const address of ["10.0.0.2", "10.1.0.2"]) {
      expect(ask("ping", "-q", "-c", "3", "-i", "0.01", address)).toContain(" 3 received");
    }
  });

  it("frames sends all", () => {
    const net = ["--net", "service=tap0,host=10.0.0.1/24"];
    const { end, stdout } = network.inside(() => skiff.run([...words("frames", ...net), "500", "1000"]));
    expect([end, stdout]).toEqual([0, expect.stringMatching(/^frames: sent=500 bytes=1000 ns=\d+\n$/)]);
  });

  it("devices63 uses 31 taps and 32 files, each its own", () => {
    const two = (number: number) => String(number).padStart(2, "0");
    const disks = Array.from({ length: 32 }, (_, index) => sparseFile(join(folder, `disk${index}`), 512));
    const options = [
      ...disks.flatMap((disk, index) => ["--block", `block${two(index)}=${disk}`]),
      ...Array.from({ length: 31 }, (_, index) => `--net=net${two(index)}=many${index},host=10.9.${index}.1/24`),
    ];
    const { end, stdout } = network.inside(() => skiff.run(words("devices63", ...options)));
    expect([end, stdout]).toEqual([0, "devices63: ok\n"]);
    for (const [index, disk] of disks.entries()) expect([...new Set(readFileSync(disk))]).toEqual([index + 1]);
  });

  it("httpd serves its page, httpd-tar a file of its archive", async () => {
    await serve("httpd", LISTENS);
    expect(ask("curl", "-s", "-m", "20", "http://10.0.0.2/").length).toBeGreaterThan(1000);
    for (const guest of running.splice(0)) {
      guest.kill("SIGKILL");
      await guest.ended;
    }
    await serve("httpd-tar", LISTENS, "--block", `content=${join(folder, "site.tar")}`);
    expect(ask("curl", "-s", "-m", "20", "http://10.0.0.2/page.txt")).toBe("a page\n");
  });

  it("kv keeps values, kv-persist over a kill", async () => {
    const redis = (...args: readonly string[]) => ask("redis-cli", "-h", "10.0.0.2", ...args);
    await serve("kv", LISTENS);
    expect([redis("set", "boat", "skiff"), redis("get", "boat")]).toEqual(["OK\n", "skiff\n"]);
    const storage = ["--block", `storage=${join(folder, "kv.img")},sector=4096`];
    for (const [write, boat] of [
      [true, ""],
      [false, "dinghy\n"],
    ] as const) {
      for (const guest of running.splice(0)) {
        guest.kill("SIGKILL");
        await guest.ended;
      }
      await serve("kv-persist", LISTENS, ...storage);
      if (write) expect(redis("set", "boat", "dinghy")).toBe("OK\n");
      else expect(redis("get", "boat")).toBe(boat);
    }
  });

  it("dnsd answers", async () => {
    await serve("dnsd", LISTENS, "--block", `zone=${join(folder, "zone")}`);
    expect(ask("dig", "+short", "+tries=3", "@10.0.0.2", "example.com", "SOA")).not.toBe("");
  });

  it("services sends back what it gets", async () => {
    await serve("services", READY);
    const peer = `
      const socket = require("net").connect(7, "10.0.0.2", () => socket.write("there and back"));
      socket.on("data", (bytes) => { process.stdout.write(bytes); socket.destroy(); });
    `;
    const client = network.inside(() => start(process.execPath, ["-e", peer]));
    expect((await client.ended).stdout).toBe("there and back");
  });

  it("stamps answers with its clock, which goes on", async () => {
    await serve("stamps", READY);
    const peer = `
      const socket = require("dgram").createSocket("udp4");
      const ask = () => socket.send(Buffer.from([0, 0, 0, 0, 0, 0, 0, 100]), 7, "10.0.0.2");
      const again = setInterval(ask, 1000);
      socket.on("message", (bytes) => {
        clearInterval(again);
        socket.close();
        console.log(bytes.length, bytes.readBigUInt64BE(0) < bytes.readBigUInt64BE(8));
      });
      ask();
    `;
    const client = network.inside(() => start(process.execPath, ["-e", peer]));
    expect((await client.ended).stdout).toBe("16 true\n");
  });
});
