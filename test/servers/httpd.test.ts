import { beforeAll, describe, expect, it } from "vitest";
import { describeWith } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import { exchange, get, open, readToEnd, request, responses } from "./http.ts";
import { GROUPS } from "./httpd-cases.ts";
import { type RunningServer, startServer } from "./running.ts";

const LAST_REQUEST = "GET /hello.txt HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n";
const HELLO = "Hello from a unikernel.\n";

describeWith(compiler, "httpd with what is built in", () => {
  const folder = temporaryFolder();
  let path = "";
  let server: RunningServer;

  beforeAll(async () => {
    path = buildServer("httpd", folder);
    server = await startServer(path);
  });

  for (const { name, cases } of GROUPS) {
    describe(name, () => {
      it.each(cases)("$name", async ({ bytes, statuses, then, heads }) => {
        const found = responses(await exchange(server.port, bytes + LAST_REQUEST), heads);
        expect(found.map(({ status }) => status)).toEqual(then === "open" ? [...statuses, 200] : statuses);
        const last = found.at(-1);
        if (then === "open") expect(last?.body.toString()).toBe(HELLO);
        expect(last?.fields.get("connection")).toBe(then === "cut" ? undefined : "close");
      });
    });
  }

  it("answers the same however a request is cut", async () => {
    const bytes = `GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n${LAST_REQUEST}`;
    const found = responses(await exchange(server.port, ...bytes));
    expect(found.map(({ status }) => status)).toEqual([200, 404, 200]);
  });

  it("answers a client that has ended its side", async () => {
    const socket = await open(server.port);
    socket.end("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const found = responses(await readToEnd(socket));
    expect(found.map(({ body }) => body.length)).toEqual([HELLO.length, 4096]);
  });

  it("closes without an answer where a client ends in the midst of a request", async () => {
    const socket = await open(server.port);
    socket.end("GET /hello.txt HTTP/1.1\r\nHos");
    expect((await readToEnd(socket)).toString()).toBe("");
  });

  it("says which methods there are", async () => {
    for (const method of ["POST", "OPTIONS"]) {
      expect((await request(server.port, method, "/")).fields.get("allow")).toBe("GET, HEAD, OPTIONS");
    }
  });

  it("describes a file, and for HEAD the same without content", async () => {
    const { fields, body } = await get(server.port, "/");
    const head = await request(server.port, "HEAD", "/");
    expect(body.length).toBe(4096);
    expect(Object.fromEntries(fields)).toMatchObject({
      "accept-ranges": "bytes",
      "content-length": "4096",
      "content-type": "text/html; charset=utf-8",
      etag: '"page-1"',
      server: "skiff",
    });
    expect([...head.fields.keys()]).toEqual([...fields.keys()]);
    expect(head.fields.get("content-length")).toBe("4096");
  });

  it("tells the time", async () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const date = (await get(server.port, "/")).fields.get("date") ?? "";
    expect(new Date(date).toUTCString()).toBe(date);
    expect(Date.parse(date)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(date)).toBeLessThanOrEqual(Date.now());
  });

  it("keeps an HTTP/1.0 connection only where it says so", async () => {
    const bytes = `GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${LAST_REQUEST}`;
    const [first, second] = responses(await exchange(server.port, bytes));
    expect([first?.fields.get("connection"), second?.fields.get("connection")]).toEqual(["keep-alive", "close"]);
  });

  it("answers 408 where a request does not come whole in time", async () => {
    const { port } = await startServer(path, ["--request-timeout=1"]);
    const late = ["GET / HTTP/1.1\r\nHost:", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", "\r"];
    const found = await Promise.all(late.map(async (bytes) => responses(await exchange(port, bytes))));
    expect(found.map(([first, ...more]) => [first?.status, more.length])).toEqual([
      [408, 0],
      [405, 0],
      [408, 0],
    ]);
  });

  it("closes a connection on which nothing happens", async () => {
    const { port } = await startServer(path, ["--idle-timeout=1"]);
    const socket = await open(port);
    socket.write("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    const found = responses(await readToEnd(socket));
    expect(found.map(({ status }) => status)).toEqual([200]);
  });

  it("answers 503 to a connection too many, and serves again when one has gone", async () => {
    const { port } = await startServer(path, ["--connections=2"]);
    const held = await Promise.all([open(port), open(port)]);
    for (const socket of held) {
      const answered = new Promise((resolve) => socket.once("data", resolve));
      socket.write("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
      await answered;
    }
    const [refused] = responses(await exchange(port));
    expect([refused?.status, refused?.fields.get("retry-after")]).toEqual([503, "1"]);
    const [first, second] = held;
    first?.end();
    await new Promise((resolve) => first?.once("close", resolve).resume());
    first?.destroy();
    expect((await get(port, "/hello.txt")).status).toBe(200);
    second?.destroy();
  });
});
