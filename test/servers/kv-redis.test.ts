import { beforeAll, expect, it } from "vitest";
import { start } from "../support/command.ts";
import { describeWith, program } from "../support/needs.ts";
import { SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import { type Comparison, type RandomRequest, randomRequest } from "./kv-requests.ts";
import { type Reply, RespClient } from "./resp.ts";
import { endWithTests, nextPort, startServer } from "./running.ts";

const BATCH = 100;
const LIMIT_MS = 240_000;
const NEAR_MS = 5_000;

function textOf(reply: Reply): string {
  switch (reply.kind) {
    case "list":
      return `[${reply.items.map(textOf).join(", ")}]`;
    case "integer":
      return `${reply.number}`;
    case "null":
    case "no list":
      return reply.kind;
    default:
      return `${reply.kind} ${JSON.stringify(reply.text)}`;
  }
}

function pairsOf(items: readonly Reply[]): readonly string[] {
  const texts = items.map(textOf);
  return texts.flatMap((text, index) => (index % 2 === 0 ? [`${text}: ${texts[index + 1]}`] : []));
}

function withNumbers(reply: Reply): Reply {
  if (reply.kind === "list") return { kind: "list", items: reply.items.map(withNumbers) };
  if (reply.kind !== "string" || reply.text === "" || Number.isNaN(Number(reply.text))) return reply;
  return { kind: "string", text: `${Number(reply.text)}` };
}

/** What of a reply must be the same. */
function essence(reply: Reply, comparison: Comparison): string {
  if (reply.kind !== "list" || comparison === "same") return textOf(reply);
  return [...(comparison === "unordered" ? reply.items.map(textOf) : pairsOf(reply.items))].sort().join(", ");
}

function isNear(a: Reply, b: Reply): boolean {
  if (a.kind !== "integer" || b.kind !== "integer") return textOf(a) === textOf(b);
  const apart = Number(a.number - b.number);
  return Math.abs(apart) < NEAR_MS && a.number < 0n === b.number < 0n;
}

describeWith([...compiler, program("redis-check-rdb", "redis-tools")], `kv and Redis, seed ${SEED}`, () => {
  const folder = temporaryFolder();
  let kv: RespClient;
  let redis: RespClient;

  beforeAll(async () => {
    const port = nextPort();
    const options = `--port ${port} --bind 127.0.0.1 --databases 1 --appendonly no --loglevel notice`;
    // The same file is the server, by another name; the package that has the name would start one.
    const words = [...options.split(" "), "--save", "", "--dir", folder];
    const server = start("redis-check-rdb", words, { argv0: "redis-server" });
    endWithTests(server);
    await server.printed(/Ready to accept connections/);
    redis = await RespClient.open(port);
    kv = await RespClient.open((await startServer(buildServer("kv", folder), ["--mem=256"])).port);
  }, LIMIT_MS);

  /** `as`: what of each reply to look at. */
  async function compare(requests: readonly RandomRequest[], as = (reply: Reply) => reply): Promise<void> {
    const words = requests.map((request) => request.words);
    const [own, theirs] = await Promise.all([kv.pipeline(words), redis.pipeline(words)]);
    for (const [index, request] of requests.entries()) {
      const [ownReply, theirReply] = [own[index], theirs[index]];
      if (ownReply === undefined || theirReply === undefined) throw new Error("a reply is missing");
      if (request.comparison === "near" && isNear(ownReply, theirReply)) continue;
      const text = request.words.map((word) => JSON.stringify(word)).join(" ");
      const [ownText, theirText] = [ownReply, theirReply].map((reply) => essence(as(reply), request.comparison));
      expect(`${text} -> ${ownText}`).toBe(`${text} -> ${theirText}`);
    }
  }

  it.each([0, 1, 2, 3])(
    "reply to 40000 random requests in the same words (%i)",
    { timeout: LIMIT_MS },
    async (part) => {
      const random = seededRandom(SEED + part);
      await Promise.all([kv.call("FLUSHALL"), redis.call("FLUSHALL")]);
      for (let count = 0; count < 40_000; count += BATCH) {
        await compare(Array.from({ length: BATCH }, () => randomRequest(random, false)));
      }
    },
  );

  it("reply to 20000 random requests with the same scores, to the last bit", { timeout: LIMIT_MS }, async () => {
    const random = seededRandom(SEED + 4);
    await Promise.all([kv.call("FLUSHALL"), redis.call("FLUSHALL")]);
    for (let count = 0; count < 20_000; count += BATCH) {
      await compare(
        Array.from({ length: BATCH }, () => randomRequest(random, true)),
        withNumbers,
      );
    }
  });

  it("refuse what breaks the protocol in the same words", async () => {
    for (const bytes of [
      ...["*x\r\n", "*1\r\n$-1\r\n", "*1\r\n$536870913\r\n", "*1\r\n$x\r\n", "*2\r\n$3\r\nGET\r\nx\r\n"],
      ...["ECHO 'open\r\n", 'ECHO "a"b\r\n', "x".repeat(70_000), "*-9999999999999999999999\r\n"],
    ]) {
      const replies = await Promise.all(
        [kv, redis].map(async ({ port }) => {
          const client = await RespClient.open(port);
          const reply = await client.send(bytes);
          await client.closed;
          return textOf(reply);
        }),
      );
      expect(replies[0], bytes.slice(0, 60)).toBe(replies[1]);
      expect(replies[0]).toMatch(/^error "ERR Protocol error: /);
    }
  });

  it("read a line of words in the same way", async () => {
    for (const line of [
      ...[
        "PING",
        "ping  a",
        "  ECHO   a",
        "ECHO 'it\\'s'",
        'ECHO "\\x41\\n\\t\\"\\\\"',
        "ECHO ''",
        'ECHO "a b"\r',
        "ECHO a\\b",
      ],
      ...['ECHO "\\xzz"', "ECHO 'a\\nb'", "ECHO a'b'c"],
    ]) {
      const replies = await Promise.all([kv.send(`${line}\n`), redis.send(`${line}\n`)]);
      expect(textOf(replies[0]), line).toBe(textOf(replies[1]));
    }
  });
});
