import { closeSync, copyFileSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { run } from "../support/command.ts";
import { describeWith } from "../support/needs.ts";
import { type Random, SEED, seededRandom } from "../support/random.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import { type Reply, RespClient } from "./resp.ts";
import { type RunningServer, startServer } from "./running.ts";

const LIMIT_MS = 240_000;
const KIB = 1024;
const KILLS = 100;

const count = (length: number) => Array.from({ length }, (_, index) => index);

function textOf(reply: Reply): string {
  if (reply.kind === "list") return reply.items.map(textOf).join(" ");
  if (reply.kind === "integer") return `${reply.number}`;
  return reply.kind === "null" || reply.kind === "no list" ? reply.kind : (reply as { readonly text: string }).text;
}

/**
 * One client's changes of keys of its own: the nth is a function of n, so that what is found tells how many were carried
 * out: at least those that were acknowledged, at most those that were sent.
 */
class Writer {
  readonly #name: string;
  #sent = 0;
  #acknowledged = 0;

  constructor(name: string) {
    this.#name = name;
  }

  #request(n: number): readonly string[] {
    const key = (kind: string) => `${this.#name}:${kind}`;
    const choices = [
      ["SET", key("string"), `${n} ${"v".repeat(n % 300)}`],
      ["RPUSH", key("list"), `${n}`],
      ["MSET", key("first"), `${n}`, key("second"), `${n}`],
      ["HSET", key("hash"), `field${n % 50}`, `${n}`],
      ["SADD", key("set"), `${n}`],
      ["ZADD", key("zset"), `${n}.25`, `member${n}`],
      ["INCR", key("counter")],
      n % 16 === 7 ? ["DEL", key("string")] : ["LTRIM", key("list"), "-20", "-1"],
    ];
    return choices[n % choices.length] as readonly string[];
  }

  /** Sends requests until the connection ends; tells of each acknowledged one. */
  async run(client: RespClient, random: Random, onAcknowledged: () => void): Promise<void> {
    try {
      for (;;) {
        const size = random.integer(1, 20);
        const requests = count(size).map((index) => this.#request(this.#sent + index));
        this.#sent += size;
        await Promise.all(
          requests.map(async (words) => {
            const reply = await client.call(...words);
            if (reply.kind === "error") throw new Error(`${words.join(" ")}: ${reply.text}`);
            this.#acknowledged++;
            onAcknowledged();
          }),
        );
      }
    } catch (error) {
      if (!(error instanceof Error) || !/closed|ECONNRESET|EPIPE/.test(error.message)) throw error;
    }
  }

  /** What all keys would be after the first n requests. */
  #stateAfter(n: number): string {
    const last = (kind: number) => n - 1 - ((((n - 1 - kind) % 8) + 8) % 8);
    const numbers = (kind: number) => count(n).filter((index) => index % 8 === kind);
    const set = last(0);
    const isDeleted = numbers(7).some((index) => index % 16 === 7 && index > set);
    const list: number[] = [];
    for (const index of count(n)) {
      if (index % 8 === 1) list.push(index);
      if (index % 16 === 15) list.splice(0, Math.max(0, list.length - 20));
    }
    const fields = new Map(numbers(3).map((index) => [`field${index % 50}`, index]));
    return JSON.stringify([
      set < 0 || isDeleted ? "null" : `${set} ${"v".repeat(set % 300)}`,
      list.join(" "),
      last(2) < 0 ? "null null" : `${last(2)} ${last(2)}`,
      [...fields].map(([field, index]) => `${field} ${index}`).sort(),
      numbers(4).length,
      numbers(5)
        .map((index) => `member${index} ${index}.25`)
        .join(" "),
      numbers(6).length === 0 ? "null" : `${numbers(6).length}`,
    ]);
  }

  /** Looks what is there, and goes on from it. */
  async check(client: RespClient): Promise<void> {
    const key = (kind: string) => `${this.#name}:${kind}`;
    const replies = await client.pipeline([
      ["GET", key("string")],
      ["LRANGE", key("list"), "0", "-1"],
      ["MGET", key("first"), key("second")],
      ["HGETALL", key("hash")],
      ["SCARD", key("set")],
      ["ZRANGE", key("zset"), "0", "-1", "WITHSCORES"],
      ["GET", key("counter")],
    ]);
    const texts = replies.map(textOf);
    const fields = (texts[3] ?? "").match(/\S+ \S+/g) ?? [];
    const found = JSON.stringify([
      texts[0],
      texts[1],
      texts[2],
      [...fields].sort(),
      Number(texts[4]),
      texts[5],
      texts[6],
    ]);
    const possible = count(this.#sent - this.#acknowledged + 1).map((index) => this.#acknowledged + index);
    const carriedOut = possible.find((n) => this.#stateAfter(n) === found);
    if (carriedOut === undefined) {
      throw new Error(`of ${this.#sent} requests ${this.#acknowledged} were acknowledged, and there is ${found}`);
    }
    this.#sent = this.#acknowledged = carriedOut;
  }
}

describeWith(compiler, `kv on a storage device, seed ${SEED}`, () => {
  const folder = temporaryFolder();
  let path = "";

  beforeAll(() => {
    path = buildServer("kv-persist", folder);
  }, LIMIT_MS);

  const on = (device: string, ...words: readonly string[]) => ["--mem=64", ...words, `--block:storage=${device}`];

  async function startOn(device: string, ...words: readonly string[]): Promise<[RunningServer, RespClient]> {
    const server = await startServer(path, on(device, ...words));
    return [server, await RespClient.open(server.port)];
  }

  async function end(server: RunningServer, client: RespClient): Promise<void> {
    server.running.kill("SIGKILL");
    await server.running.ended;
    await client.closed;
  }

  it(`has every acknowledged change after each of ${KILLS} kills`, { timeout: LIMIT_MS }, async () => {
    const random = seededRandom();
    const device = sparseFile(join(folder, "killed"), 1024 * KIB);
    const writers = count(4).map((index) => new Writer(`writer${index}`));
    let generations = "";
    for (let kill = 0; kill < KILLS; kill++) {
      const [server, client] = await startOn(device);
      for (const writer of writers) await writer.check(client);
      generations = /aof_generation:(\d+)/.exec(textOf(await client.call("INFO", "persistence")))?.[1] ?? "";
      let left = random.integer(1, kill % 10 === 0 ? 3000 : 300);
      const clients = await Promise.all(writers.map(() => RespClient.open(server.port)));
      const running = writers.map((writer, index) =>
        writer.run(clients[index] as RespClient, random, () => {
          if (--left === 0) server.running.kill("SIGKILL");
        }),
      );
      await Promise.all(running);
      await end(server, client);
    }
    const [server, client] = await startOn(device);
    for (const writer of writers) await writer.check(client);
    await end(server, client);
    expect(Number(generations), "the log was hardly rewritten").toBeGreaterThan(4);
  });

  it.each([512, 4096, 32_768])("keeps all kinds of keys over a restart, in blocks of %i bytes", async (block) => {
    const device = sparseFile(join(folder, `kinds${block}`), 4096 * KIB);
    const size = `--block-sector-size:storage=${block}`;
    const [server, client] = await startOn(device, size);
    const large = "large".repeat(100_000);
    await client.pipeline([
      ["SET", "string", "value"],
      ["SET", "large", large],
      ["SET", "binary", Buffer.from(count(256))],
      ["RPUSH", "list", "a", "", "c".repeat(5000)],
      ["SADD", "set", "1", "2", "3"],
      ["HSET", "hash", "f", "v", "g", ""],
      ["ZADD", "zset", "1.1", "a", "-inf", "b", "1e300", "c"],
      ["SET", "expiring", "x", "PXAT", "99999999999999"],
      ["SET", "gone", "x", "PX", "1"],
      ["RENAME", "string", "renamed"],
    ]);
    const looks = [
      ...["GET renamed", "GET large", "GET binary", "LRANGE list 0 -1", "SCARD set", "HMGET hash f g", "GET string"],
      ...["ZRANGE zset 0 -1 WITHSCORES", "PEXPIRETIME expiring", "GET gone", "EXISTS renamed list set hash zset"],
    ].map((line) => line.split(" "));
    const expected = [
      ...["value", large, String.fromCharCode(...count(256)), `a  ${"c".repeat(5000)}`, "3", "v ", "null"],
      ...["b -inf a 1.1 c 1e+300", "99999999999999", "null", "5"],
    ];
    while (textOf(await client.call("EXISTS", "gone")) !== "0");
    expect((await client.pipeline(looks)).map(textOf)).toEqual(expected);
    await end(server, client);
    const [second, secondClient] = await startOn(device, size);
    expect((await secondClient.pipeline(looks)).map(textOf)).toEqual(expected);
    expect(textOf(await secondClient.call("BGREWRITEAOF"))).toBe("Background append only file rewriting started");
    while (/rewrite_in_progress:1/.test(textOf(await secondClient.call("INFO", "persistence"))));
    await end(second, secondClient);
    const [third, thirdClient] = await startOn(device, size);
    expect((await thirdClient.pipeline(looks)).map(textOf)).toEqual(expected);
    await end(third, thirdClient);
  });

  it("refuses writes when its device is full, until something is deleted", { timeout: LIMIT_MS }, async () => {
    const device = sparseFile(join(folder, "full"), 512 * KIB);
    const [server, client] = await startOn(device);
    let stored = 0;
    for (let refused = false; !refused; stored++) {
      const reply = await client.call("SET", `key:${stored}`, "v".repeat(1000));
      refused = reply.kind === "error";
      if (refused) expect(textOf(reply)).toBe("MISCONF Errors writing to the AOF file: No space left on device");
    }
    expect(stored).toBeGreaterThan(150);
    expect(textOf(await client.call("GET", "key:3"))).toBe("v".repeat(1000));
    for (const index of count(stored - 20)) expect(textOf(await client.call("DEL", `key:${index}`))).toBe("1");
    for (const index of count(100))
      expect(textOf(await client.call("SET", `again:${index}`, "v".repeat(500)))).toBe("OK");
    const keys = Number(textOf(await client.call("DBSIZE")));
    await end(server, client);
    const [second, secondClient] = await startOn(device);
    expect(Number(textOf(await secondClient.call("DBSIZE")))).toBe(keys);
    expect(textOf(await secondClient.call("GET", "again:99"))).toBe("v".repeat(500));
    await end(second, secondClient);
  });

  it("leaves out a record that is damaged, and what follows it", async () => {
    const device = sparseFile(join(folder, "damaged"), 512 * KIB);
    const [server, client] = await startOn(device);
    for (const index of count(10)) await client.call("SET", `key:${index}`, "v".repeat(600));
    await end(server, client);
    const content = readFileSync(device);
    const damaged = join(folder, "damaged-copy");
    for (const victim of [0, 4, 9]) {
      copyFileSync(device, damaged);
      const file = openSync(damaged, "r+");
      writeSync(file, "?", content.indexOf(`key:${victim}\r\n`) + 300);
      closeSync(file);
      const [second, secondClient] = await startOn(damaged);
      expect(textOf(await secondClient.call("DBSIZE"))).toBe(`${victim}`);
      await end(second, secondClient);
    }
  });

  it("says in one line why it does not start on a device", async () => {
    const foreign = join(folder, "foreign");
    writeFileSync(foreign, Buffer.alloc(512 * KIB, "something else"));
    const small = sparseFile(join(folder, "small"), 64 * KIB);
    const used = sparseFile(join(folder, "used"), 512 * KIB);
    const [server, client] = await startOn(used);
    await client.call("SET", "a", "b");
    await end(server, client);
    const grown = join(folder, "grown");
    writeFileSync(grown, Buffer.concat([readFileSync(used), Buffer.alloc(512 * KIB)]));
    const filled = sparseFile(join(folder, "filled"), 64 * KIB * KIB);
    const [filler, fillerClient] = await startOn(filled, "--mem=96");
    for (const index of count(20)) await fillerClient.call("SET", `key:${index}`, "v".repeat(1 << 20));
    await end(filler, fillerClient);
    const attempts = [
      [on(foreign), "storage: the device holds something that is no log; to use it all the same, write zeros over"],
      [on(small), "storage: 64 KiB are too little for a log; it needs 129"],
      [on(grown), "storage: the log was made on a device of 1024 blocks of 512 bytes, and this one has other ones"],
      [
        on(used, "--block-sector-size:storage=1024"),
        "storage: the log was made on a device of 1024 blocks of 512 bytes",
      ],
      [on(filled, "--mem=24"), "storage: record "],
      [["--mem=64"], "'storage' is missing"],
    ] as const;
    for (const [words, line] of attempts) {
      const { end: status, stdout } = run(path, [...words]);
      expect(stdout).toContain(line);
      expect([status, stdout.split("\n").length]).toEqual([1, 2]);
    }
  });
});
