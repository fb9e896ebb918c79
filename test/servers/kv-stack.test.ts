import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bundledSkiff } from "../cli/bundled-skiff.ts";
import { type Running, start } from "../support/command.ts";
import { namespaceOfTests } from "../support/namespace.ts";
import { describeWith, program, root } from "../support/needs.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { buildImage, buildServer, compiler } from "./build.ts";

const HOST = "10.0.0.1/24";
const GUEST = "10.0.0.2";
const TAP = "tap0";
const MEMORY_MIB = 128;
const LIMIT_MS = 240_000;

const needs = [
  ...compiler,
  root,
  program("ip", "iproute2"),
  program("redis-cli", "redis-tools"),
  program("redis-benchmark", "redis-tools"),
];

/** How kv comes to run on the project's own TCP/IP stack: a program, and the words that give it its devices. */
type Kind = "a native program" | "a unikernel in a process";

describeWith(needs, "kv on the project's own TCP/IP stack, over a tap", () => {
  const folder = temporaryFolder();
  const namespace = namespaceOfTests();
  const skiff = bundledSkiff();
  let running: Running | undefined;

  beforeEach(() => namespace.addTap(TAP, HOST));
  afterEach(async () => {
    await stop();
    namespace.ip(`link delete ${TAP}`);
  });

  async function stop(): Promise<void> {
    running?.kill("SIGKILL");
    await running?.ended;
    running = undefined;
  }

  function commandOf(kind: Kind, name: string, storage?: string): readonly [string, ...string[]] {
    if (kind === "a native program") {
      const block = storage === undefined ? [] : [`--block:storage=${storage}`];
      return [buildServer(`${name}-tap`, folder), `--mem=${MEMORY_MIB}`, `--net:service=${TAP}`, ...block];
    }
    const block = storage === undefined ? [] : ["--block", `storage=${storage}`];
    const image = buildImage(name, "spt", folder);
    return [...skiff.command(), "run", "--mem", `${MEMORY_MIB}`, "--net", `service=${TAP}`, ...block, image];
  }

  async function serve([path, ...words]: readonly [string, ...string[]]): Promise<void> {
    running = namespace.inside(() => start(path, [...words, `--ipv4=${GUEST}/24`]));
    await running.printed(/ on port 6379\n/);
  }

  function ran(name: string, ...words: readonly string[]): string {
    const { end, stdout, stderr } = namespace.run(name, "-h", GUEST, ...words);
    if (end !== 0) throw new Error(`${name} ${words.join(" ")}: ${end}, ${stdout}${stderr}`);
    return stdout;
  }

  it.each<Kind>(["a native program", "a unikernel in a process"])(
    "serves as %s",
    { timeout: LIMIT_MS },
    async (kind) => {
      await serve(commandOf(kind, "kv"));
      const results = ran("redis-benchmark", "-n", "2000", "-P", "16", "-c", "20", "-r", "1000", "--csv");
      expect(results.trim().split("\n")).toHaveLength(21);
      const large = join(folder, "large");
      writeFileSync(large, "0123456789abcdef".repeat(200_000));
      expect(namespace.run("sh", "-c", `redis-cli -h ${GUEST} -x SET large < ${large}`).stdout).toBe("OK\n");
      expect(ran("redis-cli", "GET", "large")).toBe(`${readFileSync(large, "utf8")}\n`);
    },
  );

  it.each<Kind>(["a native program", "a unikernel in a process"])(
    "has what it acknowledged after a kill, as %s",
    { timeout: LIMIT_MS },
    async (kind) => {
      const storage = sparseFile(join(folder, `storage ${kind}`.replaceAll(" ", "-")), 8 << 20);
      const command = commandOf(kind, "kv-persist", storage);
      await serve(command);
      ran("redis-benchmark", "-n", "20000", "-P", "16", "-c", "20", "-r", "500", "-q", "-t", "set,lpush,hset");
      expect(ran("redis-cli", "SET", "last", "acknowledged")).toBe("OK\n");
      const keys = ran("redis-cli", "DBSIZE");
      await stop();
      await serve(command);
      expect(ran("redis-cli", "GET", "last")).toBe("acknowledged\n");
      expect(ran("redis-cli", "DBSIZE")).toBe(keys);
      expect(ran("redis-cli", "LLEN", "mylist")).toBe("20000\n");
    },
  );
});
