import { beforeAll, describe, expect, it } from "vitest";
import { run } from "../support/command.ts";
import { describeWith, program } from "../support/needs.ts";
import { SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import { encodeRequest, type Reply, RespClient } from "./resp.ts";
import { type RunningServer, startServer } from "./running.ts";

const LIMIT_MS = 240_000;
const MIB = 1 << 20;

/** The server's clock counts whole milliseconds. */
const CLOCK_STEP_MS = 2;

function numberOf(reply: Reply | undefined): number {
  if (reply?.kind !== "integer") throw new Error(`no integer: ${JSON.stringify(reply)}`);
  return Number(reply.number);
}

function textOf(reply: Reply | undefined): string {
  if (reply?.kind !== "string" && reply?.kind !== "status" && reply?.kind !== "error") {
    throw new Error(`no text: ${reply?.kind}`);
  }
  return reply.text;
}

function textsOf(reply: Reply | undefined): string[] {
  if (reply?.kind !== "list") throw new Error(`no list: ${JSON.stringify(reply)}`);
  return reply.items.map(textOf);
}

const count = (length: number) => Array.from({ length }, (_, index) => index);

describeWith(
  [...compiler, program("redis-cli", "redis-tools"), program("redis-benchmark", "redis-tools")],
  `kv, seed ${SEED}`,
  () => {
    const folder = temporaryFolder();
    let path = "";
    let server: RunningServer;
    let client: RespClient;

    beforeAll(async () => {
      path = buildServer("kv", folder);
      server = await startServer(path, ["--mem=256"]);
      client = await RespClient.open(server.port);
    }, LIMIT_MS);

    describe("with the clients of Redis", () => {
      const cli = (...words: readonly string[]) => run("redis-cli", ["-p", `${server.port}`, ...words]);

      it("redis-cli sets, gets, scans and asks for the commands", () => {
        expect(cli("SET", "cli:a", "one two").stdout).toBe("OK\n");
        expect(cli("GET", "cli:a").stdout).toBe("one two\n");
        expect(cli("--scan", "--pattern", "cli:*").stdout).toBe("cli:a\n");
        expect(Number(cli("COMMAND", "COUNT").stdout)).toBeGreaterThan(100);
        expect(cli("COMMAND", "INFO", "get").stdout).toMatch(/^get\n2\nreadonly\nfast\n1\n1\n1\n/);
        expect(cli("INFO", "keyspace").stdout).toMatch(/^# Keyspace\r\ndb0:keys=\d+,expires=0,avg_ttl=0\r\n/);
        expect(cli("CONFIG", "GET", "append*").stdout).toBe("appendfsync\nalways\nappendonly\nno\n");
        expect(cli("DEL", "cli:a").stdout).toBe("1\n");
      });

      it("redis-cli loads a stream of requests", () => {
        const loaded = run("bash", [
          "-c",
          'for i in $(seq 1000); do echo "SET pipe:$i $i"; done | redis-cli -p "$0" --pipe',
          `${server.port}`,
        ]);
        expect(loaded.stdout).toContain("errors: 0, replies: 1000");
        expect(cli("GET", "pipe:1000").stdout).toBe("1000\n");
      });

      it.each([1, 16])("redis-benchmark runs all of its tests, with %i requests at a time", (pipeline) => {
        const words = ["-p", `${server.port}`, "-n", "2000", "-P", `${pipeline}`, "-c", "20", "-r", "1000", "--csv"];
        const { end, stdout, stderr } = run("redis-benchmark", words);
        expect([end, stderr]).toEqual([0, ""]);
        const names = stdout.split("\n").flatMap((line) => /^"([A-Z_]+)/.exec(line)?.[1] ?? []);
        expect(names).toEqual([
          ...[
            "PING_INLINE",
            "PING_MBULK",
            "SET",
            "GET",
            "INCR",
            "LPUSH",
            "RPUSH",
            "LPOP",
            "RPOP",
            "SADD",
            "HSET",
            "SPOP",
          ],
          ...["ZADD", "ZPOPMIN", "LPUSH", "LRANGE_", "LRANGE_", "LRANGE_", "LRANGE_", "MSET"],
        ]);
      });
    });

    describe("with large and many things", () => {
      it("keeps values of any size up to its memory, whole", async () => {
        for (const size of [0, 1, 127, 128, 129, 4096, 32_767, 65_536, 512 * 1024, MIB + 1, 20 * MIB]) {
          const value = Buffer.from(
            seededRandom(SEED + size)
              .integer(0, 255)
              .toString(16)
              .repeat(size),
          ).subarray(0, size);
          expect(textOf(await client.call("SET", "large", value))).toBe("OK");
          expect(textOf(await client.call("GET", "large"))).toBe(value.toString("latin1"));
          expect(numberOf(await client.call("STRLEN", "large"))).toBe(size);
        }
        await client.call("DEL", "large");
      });

      it("takes a large request in the smallest pieces among small ones", async () => {
        const bytes = Buffer.concat([
          encodeRequest(["SET", "piece", "x".repeat(100_000)]),
          encodeRequest(["APPEND", "piece", "y"]),
          encodeRequest(["STRLEN", "piece"]),
        ]);
        const other = await RespClient.open(server.port);
        const replies = [other.send(""), other.send(""), other.send("")];
        for (let at = 0; at < bytes.length; at += 977) {
          other.push(bytes.subarray(at, at + 977));
          await client.call("PING");
        }
        expect(textOf(await replies[0])).toBe("OK");
        expect(numberOf(await replies[2])).toBe(100_001);
        other.close();
      });

      it("sends more than a peer's window to one that reads late", async () => {
        const list = count(20_000).map((index) => `element ${index}`);
        await client.pipeline(count(200).map((part) => ["RPUSH", "late", ...list.slice(part * 100, part * 100 + 100)]));
        const other = await RespClient.open(server.port);
        other.pause();
        const replies = count(8).map(() => other.call("LRANGE", "late", "0", "-1"));
        // The server goes on with everybody else meanwhile.
        expect(numberOf(await client.call("LLEN", "late"))).toBe(20_000);
        other.resume();
        for (const reply of await Promise.all(replies)) expect(textsOf(reply)).toEqual(list);
        other.close();
        await client.call("DEL", "late");
      });

      it("goes through 30000 keys and members by SCAN, meeting each that stays", async () => {
        await client.call("FLUSHALL");
        await client.pipeline(count(30_000).map((index) => ["SET", `scan:${index}`, "v"]));
        const met = new Set<string>();
        for (let cursor = "", turn = 0; cursor !== "0"; turn++) {
          const reply = await client.call("SCAN", cursor === "" ? "0" : cursor, "COUNT", "200", "MATCH", "scan:*");
          if (reply.kind !== "list") throw new Error("no list");
          cursor = textOf(reply.items[0]);
          for (const key of textsOf(reply.items[1])) met.add(key);
          // Others come and go, and the table grows and shrinks.
          await client.pipeline(count(150).map((index) => ["SET", `other:${turn}:${index}`, "v"]));
          if (turn % 3 === 0)
            await client.pipeline(count(turn).map((old) => ["DEL", `other:${old}:1`, `other:${old}:2`]));
        }
        for (const index of count(30_000)) expect(met.has(`scan:${index}`)).toBe(true);
        await client.pipeline(count(3000).map((index) => ["SADD", "scan:set", `${index}`]));
        const members = new Set<string>();
        for (let cursor = ""; cursor !== "0"; ) {
          const reply = await client.call("SSCAN", "scan:set", cursor === "" ? "0" : cursor);
          if (reply.kind !== "list") throw new Error("no list");
          cursor = textOf(reply.items[0]);
          for (const member of textsOf(reply.items[1])) members.add(member);
        }
        expect(members.size).toBe(3000);
      });

      it("draws members by chance, each as often as any other", async () => {
        await client.call("SADD", "dice", ...count(6).map(String));
        const draws = count(6).map(() => 0);
        for (const reply of await client.pipeline(count(6000).map(() => ["SRANDMEMBER", "dice"]))) {
          const drawn = Number(textOf(reply));
          draws[drawn] = (draws[drawn] ?? 0) + 1;
        }
        // Ten standard deviations.
        for (const times of draws) expect(Math.abs(times - 1000)).toBeLessThan(10 * Math.sqrt((6000 * 5) / 36));
        expect(textsOf(await client.call("SRANDMEMBER", "dice", "-40"))).toHaveLength(40);
        expect(new Set(textsOf(await client.call("SRANDMEMBER", "dice", "4"))).size).toBe(4);
        const popped = await client.pipeline(count(7).map(() => ["SPOP", "dice"]));
        expect(popped.slice(0, 6).map(textOf).sort()).toEqual(count(6).map(String));
        expect(popped[6]?.kind).toBe("null");
      });

      it("frees a million elements while it serves others", async () => {
        await client.call("FLUSHALL");
        const members = count(1000).map(String);
        for (let part = 0; part < 500; part++) {
          const named = members.map((member) => `${part}:${member}`);
          await client.pipeline([
            ["SADD", "huge:set", ...named],
            ["RPUSH", "huge:list", ...named],
          ]);
        }
        expect(numberOf(await client.call("UNLINK", "huge:set", "huge:list"))).toBe(2);
        for (let used = Infinity; used > MIB; ) {
          used = Number(/used_memory:(\d+)/.exec(textOf(await client.call("INFO", "memory")))?.[1]);
        }
      });
    });

    it("lets 10000 keys expire, none before its time, without being asked", { timeout: LIMIT_MS }, async () => {
      await client.call("FLUSHALL");
      const random = seededRandom();
      const keys = count(10_000).map((index) => [`expire:${index}`, `${random.integer(1, 2000)}`] as const);
      const started = performance.now();
      await client.pipeline(keys.map(([key, ms]) => ["SET", key, ms, "PX", ms]));
      expect(numberOf(await client.call("SET", "stays", "x").then(() => client.call("DBSIZE")))).toBeLessThanOrEqual(
        10_001,
      );
      while (numberOf(await client.call("DBSIZE")) > 1) {
        const replies = await client.pipeline(keys.map(([key]) => ["EXISTS", key]));
        const passedMs = performance.now() - started;
        for (const [index, [key, ms]] of keys.entries()) {
          if (numberOf(replies[index]) === 0) expect(Number(ms), key).toBeLessThan(passedMs + CLOCK_STEP_MS);
        }
      }
      expect(performance.now() - started).toBeGreaterThan(1900);
      expect(textOf(await client.call("GET", "stays"))).toBe("x");
      expect(textOf(await client.call("INFO", "stats"))).toContain("expired_keys:10000\r\n");
    });

    describe("at its limits", () => {
      it("refuses writes that need memory beyond --maxmemory, and goes on reading and deleting", async () => {
        const small = await startServer(path, ["--mem=64", "--maxmemory=8"]);
        const own = await RespClient.open(small.port);
        let stored = 0;
        for (let refused = false; !refused; stored++) {
          const reply = await own.call("SET", `key:${stored}`, "v".repeat(10_000));
          refused = reply.kind === "error";
          if (refused) expect(textOf(reply)).toBe("OOM command not allowed when used memory > 'maxmemory'.");
        }
        expect(stored).toBeGreaterThan(600);
        expect(stored).toBeLessThan(840);
        for (const words of [
          ["LPUSH", "l", "x"],
          ["SADD", "s", "x"],
          ["HSET", "h", "f", "v"],
          ["ZADD", "z", "1", "m"],
          ["INCR", "n"],
        ]) {
          expect(textOf(await own.call(...words))).toMatch(/^OOM /);
        }
        expect(textOf(await own.call("GET", "key:5"))).toBe("v".repeat(10_000));
        expect(numberOf(await own.call("DEL", "key:0", "key:1", "key:2"))).toBe(3);
        expect(textOf(await own.call("SET", "key:0", "again"))).toBe("OK");
        expect(textOf(await own.call("CONFIG", "SET", "maxmemory", `${16 * MIB}`))).toBe("OK");
        expect(textOf(await own.call("SET", "key:1", "v".repeat(2 * MIB)))).toBe("OK");
        own.close();
      });

      it("refuses a value that all its memory cannot hold, and lives on", async () => {
        const small = await startServer(path, ["--mem=32"]);
        const own = await RespClient.open(small.port);
        const reply = await own.call("SET", "k", "v".repeat(40 * MIB)).catch((error: Error) => error);
        if (!(reply instanceof Error)) expect(textOf(reply)).toMatch(/^OOM /);
        await own.closed;
        const other = await RespClient.open(small.port);
        expect(numberOf(await other.call("DBSIZE"))).toBe(0);
        expect(textOf(await other.call("SET", "k", "v".repeat(5 * MIB)))).toBe("OK");
        other.close();
      });

      it("resets a connection whose replies find no memory, and lives on", async () => {
        const small = await startServer(path, ["--mem=32"]);
        const own = await RespClient.open(small.port);
        await own.call("SADD", "one", "m".repeat(1000));
        await expect(own.call("SRANDMEMBER", "one", "-4000000000000000000")).rejects.toThrow();
        const other = await RespClient.open(small.port);
        expect(textOf(await other.call("SET", "k", "v".repeat(5 * MIB)))).toBe("OK");
        other.close();
      });

      it("lists as many clients as there are", async () => {
        const others = await Promise.all(count(300).map(() => RespClient.open(server.port)));
        await Promise.all(others.map((other, index) => other.call("CLIENT", "SETNAME", `name-of-client-${index}`)));
        const lines = textOf(await client.call("CLIENT", "LIST"))
          .trim()
          .split("\n");
        const names = lines.flatMap((line) => /name=(name-of-client-\d+) /.exec(line)?.[1] ?? []);
        expect(names.sort()).toEqual(
          count(300)
            .map((index) => `name-of-client-${index}`)
            .sort(),
        );
        for (const other of others) other.close();
      });

      it.each([
        [["--port=0"], "--port needs a number from 1 to 65535, not '0'"],
        [["--maxmemory=9999"], "--maxmemory needs a number from 1 to "],
        [["--nosuch=1"], "'--nosuch=1' is not an option; there are --port= --connections= --maxmemory="],
        [["--connections=1000000", "--mem=64"].toReversed(), "no memory for 1000000 connections: give the guest "],
      ])("says in one line what is wrong with %j", (words, line) => {
        const { end, stdout } = run(path, words);
        expect([end, stdout.split("\n").length]).toEqual([1, 2]);
        expect(stdout).toContain(line);
      });
    });

    it("ends a connection on QUIT, and itself on SHUTDOWN", async () => {
      const own = await startServer(path, ["--mem=64"]);
      const first = await RespClient.open(own.port);
      const second = await RespClient.open(own.port);
      expect(textOf(await first.call("QUIT"))).toBe("OK");
      await first.closed;
      await expect(second.call("SHUTDOWN", "NOSAVE")).rejects.toThrow();
      expect((await own.running.ended).end).toBe(0);
    });
  },
);
