import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { run } from "../support/command.ts";
import { describeWith, program } from "../support/needs.ts";
import { SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import { exchange, get, type HttpResponse, open, readToEnd, request, responses } from "./http.ts";
import { type RunningServer, startServer } from "./running.ts";
import { MODIFIED, makeArchive, paxRecord, siteFiles, tarEntry, writeSite } from "./site.ts";

const RANGES = 400;

function urlOf(path: string): string {
  return `/${path.split("/").map(encodeURIComponent).join("/")}`;
}

describeWith([...compiler, program("tar", "tar")], `httpd-tar, seed ${SEED}`, () => {
  const folder = temporaryFolder();
  const random = seededRandom();
  const files = siteFiles(random);
  const site = join(folder, "site");
  let path = "";
  let server: RunningServer;

  const serve = (archive: string, ...words: readonly string[]) =>
    startServer(path, [`--block:content=${archive}`, ...words]);
  const bytesOf = (name: string) => files.get(name) ?? Buffer.alloc(0);

  beforeAll(async () => {
    path = buildServer("httpd-tar", folder);
    mkdirSync(site);
    writeSite(site, files);
    server = await serve(makeArchive(site, join(folder, "site.tar"), "pax", 512));
  });

  describe.each([
    ["pax", 512, ["--cache=0"]],
    ["pax", 4096, []],
    ["gnu", 32_768, ["--cache=0"]],
    ["gnu", 512, []],
  ] as const)("an archive of %s format in blocks of %i bytes %s", (format, block, words) => {
    it("is served whole", async () => {
      const archive = makeArchive(site, join(folder, `${format}-${block}.tar`), format, block);
      const { port } = await startServer(path, [
        `--block-sector-size:content=${block}`,
        `--block:content=${archive}`,
        "--",
        ...words,
      ]);
      for (const [name, bytes] of [...files, ["sizes/linked.bin", bytesOf("sizes/513.bin")] as const]) {
        const { status, body, fields } = await get(port, urlOf(name));
        expect([name, status, fields.get("content-length")]).toEqual([name, 200, `${bytes.length}`]);
        expect(body.equals(bytes), name).toBe(true);
      }
    });
  });

  it("is served from a ustar archive, too, where the names are short enough", async () => {
    const small = join(folder, "small");
    mkdirSync(join(small, "p".repeat(90)), { recursive: true });
    writeFileSync(join(small, "p".repeat(90), `${"q".repeat(90)}.txt`), "prefixed\n");
    const { port } = await serve(makeArchive(small, join(folder, "small.tar"), "ustar", 512));
    expect((await get(port, `/${"p".repeat(90)}/${"q".repeat(90)}.txt`)).body.toString()).toBe("prefixed\n");
  });

  it("is served from an archive that says sizes, names and times in other ways", async () => {
    const archive = join(folder, "made.tar");
    const large = Buffer.alloc(600, "large ");
    writeFileSync(
      archive,
      Buffer.concat([
        tarEntry({ name: "pax_global_header", kind: "g", content: paxRecord("path", "nowhere") }),
        tarEntry({ name: "x", kind: "x", content: paxRecord("size", "600") + paxRecord("mtime", "1000000000.75") }),
        tarEntry({ name: "pax.bin", content: large, size: "0" }),
        tarEntry({ name: "base256.bin", content: large, size: Buffer.from("800000000000000000000258", "hex") }),
        tarEntry({ name: "old/", content: "" }),
        tarEntry({ name: "old/blanks.bin", content: large, size: "   1130 " }),
        tarEntry({ name: "twice.txt", content: "first" }),
        tarEntry({ name: "twice.txt", content: "second" }),
        tarEntry({ name: "/absolute.txt", content: "absolute" }),
        tarEntry({ name: "../outside.txt", content: "outside" }),
        tarEntry({ name: "link.txt", kind: "1", target: "./twice.txt", content: "" }),
        tarEntry({ name: "dangling.txt", kind: "1", target: "nothing", content: "" }),
        Buffer.alloc(1024),
      ]),
    );
    const made = await serve(archive);
    const text = async (target: string) => {
      const { status, body } = await get(made.port, target);
      return status === 200 ? body.toString() : status;
    };
    for (const name of ["pax.bin", "base256.bin", "old/blanks.bin"]) expect(await text(`/${name}`)).toBe(`${large}`);
    expect((await get(made.port, "/pax.bin")).fields.get("last-modified")).toBe("Sun, 09 Sep 2001 01:46:40 GMT");
    expect(await text("/twice.txt")).toBe("second");
    expect(await text("/link.txt")).toBe("second");
    expect(await text("/absolute.txt")).toBe("absolute");
    expect((await get(made.port, "/old")).status).toBe(301);
    for (const name of ["outside.txt", "dangling.txt", "nowhere"]) expect(await text(`/${name}`)).toBe(404);
    expect(await made.running.printed(/: 2 entries are neither/)).toContain("left out\n");
  });

  it.each([
    ["/", 200, "text/html; charset=utf-8"],
    ["/docs/", 200, "text/html; charset=utf-8"],
    ["/docs/index.html", 200, "text/html; charset=utf-8"],
    ["/docs/no-index/a.css", 200, "text/css; charset=utf-8"],
    ["/sizes/1.bin", 200, "application/octet-stream"],
    ["/docs/no-index/", 404, undefined],
    ["/empty/", 404, undefined],
    ["/symbolic.html", 404, undefined],
    ["/INDEX.HTML", 404, undefined],
  ] as const)("%s is answered with %i", async (target, status, type) => {
    const response = await get(server.port, target);
    expect(response.status).toBe(status);
    if (type !== undefined) expect(response.fields.get("content-type")).toBe(type);
  });

  it.each([
    ["/docs", "/docs/"],
    ["/docs?a=1&b", "/docs/?a=1&b"],
    ["//docs/./no-index", "/docs/no-index/"],
    ["/with%20blank", "/with%20blank/"],
    ["/%64ocs", "/docs/"],
  ])("%s is redirected to %s", async (target, location) => {
    const { status, fields } = await get(server.port, target);
    expect([status, fields.get("location")]).toEqual([301, location]);
  });

  it("says when a file was modified, and keeps to it", async () => {
    const date = MODIFIED.toUTCString();
    const { fields } = await get(server.port, "/large.bin");
    expect(fields.get("last-modified")).toBe(date);
    const tag = fields.get("etag") ?? "";
    expect(tag).toMatch(/^"[\w-]+"$/);
    const later = new Date(MODIFIED.getTime() + 1000).toUTCString();
    const earlier = new Date(MODIFIED.getTime() - 1000).toUTCString();
    const conditions: readonly (readonly [string, number])[] = [
      [`If-None-Match: ${tag}`, 304],
      [`If-None-Match: W/${tag}`, 304],
      [`If-None-Match: "a", ${tag} , "b"`, 304],
      [`If-None-Match: "a"\r\nIf-None-Match: ${tag}`, 304],
      ["If-None-Match: *", 304],
      ['If-None-Match: "other"', 200],
      [`If-None-Match: "other"\r\nIf-Modified-Since: ${later}`, 200],
      [`If-Modified-Since: ${date}`, 304],
      [`If-Modified-Since: ${later}`, 304],
      ["If-Modified-Since: Thursday, 29-Feb-24 12:34:56 GMT", 304],
      ["If-Modified-Since: Thu Feb 29 12:34:56 2024", 304],
      [`If-Modified-Since: ${earlier}`, 200],
      ["If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", 200],
      ["If-Modified-Since: Sun Nov  6 08:49:37 1994", 200],
      ["If-Modified-Since: 2024-02-29", 200],
      ["If-Modified-Since: Thu, 30 Feb 2025 12:34:56 GMT", 200],
      [`If-Match: ${tag}`, 200],
      ["If-Match: *", 200],
      [`If-Match: W/${tag}`, 412],
      ['If-Match: "other"', 412],
      [`If-Unmodified-Since: ${date}`, 200],
      [`If-Unmodified-Since: ${earlier}`, 412],
      [`If-Match: ${tag}\r\nIf-Unmodified-Since: ${earlier}`, 200],
    ];
    for (const [lines, status] of conditions) {
      const response = await get(server.port, "/sizes/../large.bin", lines);
      expect([lines, response.status]).toEqual([lines, status]);
      if (status !== 304) continue;
      expect(response.fields.get("etag")).toBe(tag);
      expect(response.fields.has("content-length")).toBe(false);
    }
    expect((await request(server.port, "HEAD", "/large.bin", `If-None-Match: ${tag}`)).status).toBe(304);
  });

  it("never dates a file later than now", async () => {
    const coming = join(folder, "coming");
    mkdirSync(coming);
    writeFileSync(join(coming, "a.txt"), "a");
    run("touch", ["-d", "2090-01-01", join(coming, "a.txt")]);
    const { port } = await serve(makeArchive(coming, join(folder, "coming.tar"), "pax", 512));
    const { fields } = await get(port, "/a.txt");
    expect(Date.parse(fields.get("last-modified") ?? "")).toBeLessThanOrEqual(Date.parse(fields.get("date") ?? ""));
  });

  describe("ranges", () => {
    const check = (name: string, { status, fields, body }: HttpResponse, first: number, last: number) => {
      const bytes = bytesOf(name);
      expect([name, status, fields.get("content-range")]).toEqual([
        name,
        206,
        `bytes ${first}-${last}/${bytes.length}`,
      ]);
      expect(body.equals(bytes.subarray(first, last + 1)), `${name} ${first}-${last}`).toBe(true);
    };

    it.each(["--cache=0", "--cache=64"])(`are the bytes asked for, ${RANGES} times (%s)`, async (cache) => {
      const { port } = await serve(join(folder, "site.tar"), cache);
      const names = [...files.keys()].filter((name) => bytesOf(name).length > 0);
      for (let i = 0; i < RANGES; i++) {
        const name = random.pick(names);
        const size = bytesOf(name).length;
        const first = random.integer(0, size - 1);
        const last = random.integer(first, Math.min(size + 10, first + 100_000));
        const [range, start, end] = random.pick([
          [`${first}-${last}`, first, Math.min(last, size - 1)],
          [`${size - Math.min(size, 70_000)}-`, size - Math.min(size, 70_000), size - 1],
          [`-${last - first + 1}`, Math.max(0, size - (last - first + 1)), size - 1],
        ] as const);
        check(name, await get(port, urlOf(name), `Range: bytes=${range}`), start, end);
      }
    });

    it.each([
      ["bytes=513-", 416],
      ["bytes=513-600", 416],
      ["bytes=99999999999999999999999-", 416],
      ["bytes=-0", 416],
      ["bytes=512-99999999999999999999999", 206],
      ["BYTES=0-0", 206],
      ["bytes= 0-0 ,", 206],
      ["bytes=1-0", 200],
      ["bytes=0-0,2-3", 200],
      ["bytes=-", 200],
      ["bytes=", 200],
      ["bytes=a-b", 200],
      ["bytes=1", 200],
      ["bytes=1-2-3", 200],
      ["lines=0-1", 200],
      ["0-1", 200],
    ])("%s of 513 bytes is answered with %i", async (range, status) => {
      const response = await get(server.port, "/sizes/513.bin", `Range: ${range}`);
      expect(response.status).toBe(status);
      if (status === 416) expect(response.fields.get("content-range")).toBe("bytes */513");
      if (status === 200) expect(response.body.equals(bytesOf("sizes/513.bin"))).toBe(true);
    });

    it("are left alone for HEAD, for empty files' ends and where they come twice", async () => {
      expect((await request(server.port, "HEAD", "/sizes/513.bin", "Range: bytes=0-1")).status).toBe(200);
      expect((await get(server.port, "/sizes/0.bin", "Range: bytes=-1")).status).toBe(200);
      expect((await get(server.port, "/sizes/0.bin", "Range: bytes=0-")).status).toBe(416);
      expect((await get(server.port, "/sizes/513.bin", "Range: bytes=0-1", "Range: bytes=2-3")).status).toBe(200);
    });

    it("are given where If-Range agrees, and the whole file where it does not", async () => {
      const tag = (await request(server.port, "HEAD", "/sizes/513.bin")).fields.get("etag");
      const other = new Date(MODIFIED.getTime() + 1000).toUTCString();
      for (const [value, status] of [
        [tag, 206],
        [MODIFIED.toUTCString(), 206],
        [`W/${tag}`, 200],
        ['"other"', 200],
        [other, 200],
      ] as const) {
        const response = await get(server.port, "/sizes/513.bin", "Range: bytes=0-1", `If-Range: ${value}`);
        expect([value, response.status]).toEqual([value, status]);
      }
    });
  });

  it("sends to a client that reads slowly, and others meanwhile", async () => {
    const { port } = await serve(join(folder, "site.tar"), "--cache=0");
    const slow = await open(port);
    slow.pause();
    slow.write("GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect((await get(port, "/sizes/65536.bin")).body.equals(bytesOf("sizes/65536.bin"))).toBe(true);
    const received = readToEnd(slow);
    slow.resume();
    const [response] = responses(await received);
    expect(response?.body.equals(bytesOf("large.bin"))).toBe(true);
  });

  it("sends many large files in one pipeline", async () => {
    const one = "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\nGET /sizes/4097.bin HTTP/1.1\r\nHost: a\r\n\r\n";
    const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const found = responses(await exchange(server.port, one.repeat(5) + last));
    expect(found.map(({ body }) => body.length)).toEqual([...Array(5)].flatMap(() => [3_000_001, 4097]).concat(12));
    expect(found.every(({ body }, i) => i % 2 === 1 || i === 10 || body.equals(bytesOf("large.bin")))).toBe(true);
  });

  it("answers 500 where the device cannot be read, and goes on", async () => {
    const archive = join(folder, "shrinking.tar");
    copyFileSync(join(folder, "site.tar"), archive);
    const { port } = await serve(archive);
    expect((await get(port, "/sizes/4096.bin")).status).toBe(200);
    truncateSync(archive, 0);
    const bytes = ["GET /sizes/4097.bin", "GET /large.bin", "HEAD /large.bin", "GET /sizes/4096.bin"]
      .map((line, i) => `${line} HTTP/1.1\r\nHost: a\r\n${i === 3 ? "Connection: close\r\n" : ""}\r\n`)
      .join("");
    const found = responses(await exchange(port, bytes), [2]);
    expect(found.map(({ status }) => status)).toEqual([500, 500, 200, 200]);
    expect(found.at(-1)?.body.equals(bytesOf("sizes/4096.bin"))).toBe(true);
  });

  describe("refuses", () => {
    const refusal = (archive: string, ...words: readonly string[]) => {
      const { end, stdout } = run(path, [`--block:content=${archive}`, ...words]);
      expect(end).toBe(1);
      return stdout;
    };

    it("what is no archive", () => {
      const archive = join(folder, "text.tar");
      writeFileSync(archive, "not an archive".padEnd(1024, "."));
      expect(refusal(archive)).toBe("block device 'content': the checksum of a header is wrong (at offset 0)\n");
    });

    it("an empty archive", () => {
      const archive = join(folder, "empty.tar");
      writeFileSync(archive, Buffer.alloc(10_240));
      expect(refusal(archive)).toBe("block device 'content' holds no files: attach a tar archive\n");
    });

    it("an archive that is cut short", () => {
      const archive = join(folder, "short.tar");
      writeFileSync(archive, readFileSync(join(folder, "site.tar")).subarray(0, 1 << 20));
      expect(refusal(archive)).toMatch(
        /^block device 'content': a file reaches beyond the end of the device \(at offset \d+\)\n$/,
      );
    });

    it.each([
      ["--prot=80", /^'--prot=80' is not an option; there are --port= --connections= .*--mtu=\n$/],
      ["--port=0", /^--port needs a number from 1 to 65535, not '0'\n$/],
      ["--idle-timeout=x", /^--idle-timeout needs a number from 1 to 86400, not 'x'\n$/],
      ["--connections=1000000", /^no memory for \d+ connections.*\n$/m],
    ])("%s", (word, message) => {
      expect(refusal(join(folder, "site.tar"), "--mem=64", word)).toMatch(message);
    });
  });
});
