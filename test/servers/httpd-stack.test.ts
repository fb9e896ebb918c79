import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Running, start } from "../support/command.ts";
import { type Namespace, namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import { endWithTests } from "./running.ts";
import { makeArchive } from "./site.ts";

const HOST = "10.0.0.1/24";
const GUEST = "10.0.0.2";
const CONTENT = Buffer.from(Array.from({ length: 2_000_000 }, (_, i) => (i * i) >> 9));
const ZONE = join(import.meta.dirname, "zones/example.zone");

const needs = [
  ...compiler,
  root,
  program("ip", "iproute2"),
  program("tar", "tar"),
  program("curl", "curl"),
  program("ab", "apache2-utils"),
  program("dig", "bind9-dnsutils"),
];

describeWith(needs, "the servers on the project's own TCP/IP stack, over a tap", () => {
  const folder = temporaryFolder();
  const namespace = namespaceOfTests();
  let running: Running | undefined;

  beforeAll(() => {
    const site = join(folder, "site");
    mkdirSync(site);
    writeFileSync(join(site, "content.bin"), CONTENT);
    makeArchive(site, join(folder, "site.tar"), "pax", 512);
    writeFileSync(join(folder, "zone"), readFileSync(ZONE));
    truncateSync(join(folder, "zone"), 32_768);
  });
  beforeEach(() => namespace.addTap("tap0", HOST));
  afterEach(async () => {
    running?.kill("SIGKILL");
    await running?.ended;
    running = undefined;
    namespace.ip("link delete tap0");
  });

  const serve = async (name: string, ...devices: readonly string[]) => {
    const path = buildServer(`${name}-tap`, folder);
    running = namespace.inside(() => start(path, ["--net:service=tap0", ...devices, `--ipv4=${GUEST}/24`]));
    endWithTests(running);
    await running.printed(/ on port \d+\n/);
  };

  it("httpd serves many clients", { timeout: 120_000 }, async () => {
    await serve("httpd");
    const output = ran(namespace, "ab", "-q", "-k", "-n", "2000", "-c", "32", `http://${GUEST}/`);
    expect(output).toMatch(/^Complete requests: +2000$/m);
    expect(output).toMatch(/^Failed requests: +0$/m);
    expect(output).toMatch(/^HTML transferred: +8192000 bytes$/m);
    expect(ran(namespace, "ab", "-q", "-n", "300", "-c", "8", `http://${GUEST}/`)).toMatch(/^Failed requests: +0$/m);
  });

  it("httpd-tar sends a large file from its disk", { timeout: 120_000 }, async () => {
    await serve("httpd-tar", `--block:content=${join(folder, "site.tar")}`);
    const got = join(folder, "got");
    ran(namespace, "curl", "-q", "--silent", "--noproxy", "*", "--output", got, `http://${GUEST}/content.bin`);
    expect(readFileSync(got).equals(CONTENT)).toBe(true);
  });

  it("dnsd answers over UDP and TCP", { timeout: 120_000 }, async () => {
    await serve("dnsd", `--block:zone=${join(folder, "zone")}`);
    const dig = (...words: readonly string[]) => ran(namespace, "dig", `@${GUEST}`, "+short", ...words);
    expect(dig("www.example.com")).toBe("web.example.com.\n192.0.2.80\n");
    expect(dig("+tcp", "www.example.com")).toBe("web.example.com.\n192.0.2.80\n");
    expect(dig("+bufsize=512", "big.example.com", "TXT").split("\n").length).toBe(7);
  });
});

/** Runs a program in the namespace, which must succeed, and gives its output. */
function ran(namespace: Namespace, name: string, ...words: readonly string[]): string {
  const { end, stdout, stderr } = namespace.run(name, ...words);
  if (end !== 0) throw new Error(`${name} ${words.join(" ")}: ${end}, ${stdout}${stderr}`);
  return stdout;
}
