import { copyFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../support/command.ts";
import { describeWith, program } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import {
  askOverTcp,
  type DnsClient,
  type DnsRecord,
  decodeMessage,
  encodeName,
  encodeQuery,
  type TypeName,
  udpClient,
} from "./dns-message.ts";
import { CASES } from "./dnsd-cases.ts";
import { type RunningServer, startServer } from "./running.ts";

const ZONE = join(import.meta.dirname, "zones/example.zone");
const BLOCK_BYTES = 512;
const WEB = { name: "web.example.com", type: "A" } as const;
const EDNS = { size: 1232, version: 0 };

const lines = (records: readonly DnsRecord[]) =>
  records.map(({ name, type, ttl, data }) => `${name} ${ttl} ${type} ${data}`);

const START = "$ORIGIN example.com.\n$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

/** A message with the counts and the body given. */
function message(counts: readonly number[], body: Uint8Array, flags = 0): Buffer {
  const header = Buffer.alloc(12);
  for (const [i, value] of [0x1234, flags, ...counts].entries()) header.writeUInt16BE(value, i * 2);
  return Buffer.concat([header, body]);
}

function question(name: string, type: number, queryClass = 1): Buffer {
  return Buffer.concat([encodeName(name), Buffer.from([type >> 8, type & 255, queryClass >> 8, queryClass & 255])]);
}

describeWith([...compiler, program("dig", "bind9-dnsutils")], "dnsd", () => {
  const folder = temporaryFolder();
  let path = "";
  let server: RunningServer;
  let client: DnsClient;

  const padded = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    truncateSync(file, Math.ceil(Math.max(statSync(file).size, 1) / BLOCK_BYTES) * BLOCK_BYTES);
    return `--block:zone=${file}`;
  };

  beforeAll(async () => {
    path = buildServer("dnsd", folder);
    const image = join(folder, "zone.img");
    copyFileSync(ZONE, image);
    truncateSync(image, 64 * BLOCK_BYTES);
    server = await startServer(path, [`--block:zone=${image}`]);
    client = await udpClient(server.port);
  });
  afterAll(() => client.close());

  it.each(CASES)("$name $type: $code", async ({ name, type, code, flags, answer, authority, additional }) => {
    const response = await client.ask({ name, type, edns: { size: 1232 } });
    expect({
      code: response.code,
      flags: response.flags.join(" "),
      answer: lines(response.answer),
      authority: lines(response.authority),
      additional: lines(response.additional),
    }).toEqual({ code, flags, answer, authority, additional });
    expect(response.edns).toEqual(EDNS);
    const [overTcp] = await askOverTcp(server.port, [encodeQuery({ name, type, edns: { size: 1232 } })]);
    expect(overTcp?.equals(await client.exchange(encodeQuery({ name, type, edns: { size: 1232 } })))).toBe(true);
  });

  it("gives the question back as it came, and the answer its name", async () => {
    const response = await client.ask({ name: "wEb.ExAmPlE.cOm", type: "A", id: 0xbeef, flags: 0x0100 });
    expect([response.id, response.question]).toEqual([0xbeef, "wEb.ExAmPlE.cOm. 1 A"]);
    expect(response.flags).toEqual(["qr", "aa", "rd"]);
    expect(response.answer[0]?.name).toBe("wEb.ExAmPlE.cOm.");
  });

  it("answers for all classes, but not with authority", async () => {
    const response = await client.ask({ ...WEB, class: 255 });
    expect([response.flags, response.answer.length]).toEqual([["qr"], 1]);
  });

  it.each([3, 4, 2, 254, 0])("refuses class %i", async (queryClass) => {
    expect((await client.ask({ ...WEB, class: queryClass })).code).toBe("REFUSED");
  });

  it("compresses names", async () => {
    const { size } = await client.ask({ name: "example.com", type: "NS" });
    // Header, question; three NS: pointer, fixed, data; two A and an AAAA: pointer, fixed, data.
    const names = "\x03ns1".length + 2 + "\x03ns2".length + 2 + "\x02ns\x09elsewhere\x04test\x00".length;
    // NS2's address comes under its name as the zone has it, in capitals, and its servers' under theirs.
    const owners = 2 + 2 + "\x03NS2".length + 2;
    expect(size).toBe(12 + 17 + 3 * 12 + names + owners + 3 * 10 + 4 + 16 + 4);
  });

  describe("EDNS", () => {
    it("is answered where it is spoken, and nowhere else", async () => {
      expect((await client.ask(WEB)).edns).toBeUndefined();
      expect((await client.ask({ ...WEB, edns: { size: 0 } })).edns).toEqual(EDNS);
    });

    it("of another version is refused with this one", async () => {
      const response = await client.ask({ ...WEB, edns: { size: 1232, version: 1 } });
      expect([response.code, response.answer.length, response.edns]).toEqual(["BADVERS", 0, EDNS]);
    });

    it.each([
      [undefined, true],
      [{ size: 100 }, true],
      [{ size: 512 }, true],
      [{ size: 700 }, true],
      [{ size: 1232 }, false],
      [{ size: 65_535 }, false],
    ])("%o: 722 bytes are truncated: %s", async (edns, isTruncated) => {
      const query = { name: "big.example.com", type: "TXT" as const, ...(edns === undefined ? {} : { edns }) };
      const response = await client.ask(query);
      expect([response.flags.includes("tc"), response.answer.length]).toEqual([isTruncated, isTruncated ? 0 : 6]);
      expect(response.size).toBeLessThanOrEqual(Math.max(512, edns?.size ?? 0));
      const [overTcp] = await askOverTcp(server.port, [encodeQuery(query)]);
      expect(overTcp === undefined ? 0 : decodeMessage(overTcp).answer.length).toBe(6);
    });

    it("tells that servers' addresses are missing in a referral, where they are found nowhere else", async () => {
      const query = { name: "x.wide.example.com", type: "A" } as const;
      const short = await client.ask(query);
      const whole = await client.ask({ ...query, edns: { size: 1232 } });
      expect([short.flags, short.authority.length]).toEqual([["qr", "tc"], 6]);
      expect([whole.flags, whole.authority.length, whole.additional.length]).toEqual([["qr"], 6, 14]);
    });

    it("leaves out in silence what the answer is whole without", async () => {
      const { port } = await startServer(path, [
        padded(
          "full.zone",
          `${START}post MX 1 mail\n${[...Array(40).keys()].map((i) => `mail A 192.0.2.${i}\n`).join("")}`,
        ),
      ]);
      const other = await udpClient(port);
      const response = await other.ask({ name: "post.example.com", type: "MX" });
      expect([response.flags, response.answer.length, response.additional]).toEqual([["qr", "aa"], 1, []]);
      other.close();
    });

    it("gets no more than --udp-size allows", async () => {
      const { port } = await startServer(path, [`--block:zone=${join(folder, "zone.img")}`, "--udp-size=600"]);
      const other = await udpClient(port);
      const response = await other.ask({ name: "big.example.com", type: "TXT", edns: { size: 4096 } });
      expect([response.flags.includes("tc"), response.edns?.size]).toEqual([true, 600]);
      other.close();
    });
  });

  describe("messages that are not queries", () => {
    const web = question("web.example.com", 1);
    const opt = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);

    it.each([
      ["no question", message([0, 0, 0, 0], Buffer.alloc(0)), "FORMERR"],
      ["two questions", message([2, 0, 0, 0], Buffer.concat([web, web])), "FORMERR"],
      ["a question that is cut short", message([1, 0, 0, 0], web.subarray(0, -1)), "FORMERR"],
      ["a name without end", message([1, 0, 0, 0], Buffer.from("\x03web", "latin1")), "FORMERR"],
      ["a name longer than 255 bytes", message([1, 0, 0, 0], question(`${"a".repeat(63)}.`.repeat(4), 1)), "FORMERR"],
      ["a name that points to itself", message([1, 0, 0, 0], Buffer.from([0xc0, 12, 0, 1, 0, 1])), "FORMERR"],
      ["a name that points ahead", message([1, 0, 0, 0], Buffer.from([0xc0, 18, 0, 1, 0, 1, 0])), "FORMERR"],
      ["a label of an unknown kind", message([1, 0, 0, 0], Buffer.from([0x41, 0, 0, 1, 0, 1])), "FORMERR"],
      ["bytes behind the end", message([1, 0, 0, 0], Buffer.concat([web, Buffer.from([0])])), "FORMERR"],
      ["an answer", message([1, 1, 0, 0], Buffer.concat([web, opt])), "FORMERR"],
      ["an authority", message([1, 0, 1, 0], Buffer.concat([web, opt])), "FORMERR"],
      ["fewer records than it says", message([1, 0, 0, 1], web), "FORMERR"],
      ["two OPT", message([1, 0, 0, 2], Buffer.concat([web, opt, opt])), "FORMERR"],
      ["OPT of a name", message([1, 0, 0, 1], Buffer.concat([web, Buffer.from([1, 97]), opt])), "FORMERR"],
      [
        "OPT with half an option",
        message([1, 0, 0, 1], Buffer.concat([web, opt.subarray(0, 9), Buffer.from([0, 5, 0, 3, 0, 2, 1])])),
        "FORMERR",
      ],
      ["an inverse query", message([1, 0, 0, 0], web, 0x0800), "NOTIMP"],
      ["a status query", message([0, 0, 0, 0], Buffer.alloc(0), 0x1000), "NOTIMP"],
      ["a notification", message([1, 0, 0, 0], web, 0x2000), "NOTIMP"],
      ["an update", message([1, 0, 0, 0], web, 0x2800), "NOTIMP"],
    ])("%s", async (_name, bytes, code) => {
      const response = decodeMessage(await client.exchange(bytes));
      expect([response.id, response.code]).toEqual([0x1234, code]);
      expect(response.answer).toEqual([]);
    });

    it("are not answered where they are answers themselves, or too short to be told apart", async () => {
      await client.send(message([1, 0, 0, 0], web, 0x8000));
      await client.send(Buffer.alloc(11));
      await client.send(Buffer.alloc(0));
      // Had one of them been answered, that answer would come first.
      expect((await client.ask({ ...WEB, id: 77 })).id).toBe(77);
    });

    it("are answered with an option that is unknown", async () => {
      const cookie = Buffer.concat([opt.subarray(0, 9), Buffer.from([0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8])]);
      const response = decodeMessage(await client.exchange(message([1, 0, 0, 1], Buffer.concat([web, cookie]))));
      expect([response.code, response.answer.length, response.edns]).toEqual(["NOERROR", 1, EDNS]);
    });
  });

  describe("TCP", () => {
    it("carries many queries on one connection, however they are cut", async () => {
      const types = ["A", "MX", "TXT", "NS", "SOA", "ANY"] as const;
      const queries = Array.from({ length: 300 }, (_, id) => {
        const { name } = CASES[id % CASES.length] ?? WEB;
        return encodeQuery({ name, type: types[id % types.length] as TypeName, id });
      });
      for (const pieceBytes of [1, 7, 1 << 20]) {
        const answers = await askOverTcp(server.port, queries, pieceBytes);
        expect(answers.map((answer) => answer.readUInt16BE(0))).toEqual(queries.map((_, id) => id));
      }
    });

    it("carries more answers than fit into its buffers", async () => {
      const query = encodeQuery({ name: "big.example.com", type: "TXT" });
      const answers = await askOverTcp(server.port, Array(5000).fill(query));
      expect(answers.length).toBe(5000);
      expect(answers.every((answer) => answer.length === (answers[0]?.length ?? 0))).toBe(true);
    });

    it("ends with a query longer than any", async () => {
      const socket = connect({ port: server.port, host: "127.0.0.1" });
      const ended = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => undefined);
      socket.resume();
      socket.write(Buffer.from([0xff, 0xff, 0]));
      await ended;
    });

    it("ends when nothing happens", async () => {
      const { port } = await startServer(path, [`--block:zone=${join(folder, "zone.img")}`, "--idle-timeout=1"]);
      const socket = connect({ port, host: "127.0.0.1" });
      const ended = new Promise((resolve) => socket.once("close", resolve));
      socket.resume();
      await ended;
    });

    it("leaves no room for more than --connections, until one has gone", async () => {
      const { port } = await startServer(path, [`--block:zone=${join(folder, "zone.img")}`, "--connections=1"]);
      const query = encodeQuery(WEB);
      for (let i = 0; i < 20; i++) expect((await askOverTcp(port, [query])).length).toBe(1);
    });
  });

  it("is understood by dig", () => {
    const dig = (...words: readonly string[]) =>
      run("dig", ["@127.0.0.1", "-p", `${server.port}`, "+tries=3", ...words]).stdout;
    expect(dig("+short", "www.example.com")).toBe("web.example.com.\n192.0.2.80\n");
    expect(dig("+short", "big.example.com", "TXT", "+bufsize=512").split("\n").length).toBe(7);
    expect(dig("+short", "+tcp", "naptr.example.com", "NAPTR")).toBe(
      '100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .\n',
    );
    expect(dig("+short", "tlsa.example.com", "TLSA")).toMatch(/^3 1 1 0123456789ABCDEF/);
    expect(dig("+short", "hinfo.example.com", "HINFO")).toBe('"PDP-11" "UNIX"\n');
    expect(dig("AXFR", "example.com")).toContain("Transfer failed.");
    expect(dig("+dnssec", "example.com", "SOA")).toMatch(/status: NOERROR/);
    expect(dig("+nocookie", "nothing.example.com")).not.toMatch(/;; WARNING: (?!recursion)|malformed/);
  });

  describe("zone files", () => {
    it.each([
      ["", "zone: there are no records"],
      ["\n; nothing\n", "zone: there are no records"],
      [
        "www A 192.0.2.1\n",
        "zone: line 1: 'www' is relative, but there is no $ORIGIN yet: end it with a dot, or give the option --origin=",
      ],
      ["a. 60 A 192.0.2.1\n", "zone: line 1: the first record of a zone is its SOA"],
      ["  60 A 192.0.2.1\n", "zone: line 1: the first record has no name"],
      ["a. SOA b. c. 1 2 3 4 5\n", "zone: the zone has no NS records at its apex"],
      ["a. SOA b. c. 1 2 3 4\n", "zone: line 1: a time is missing"],
      ["a. SOA b. c. (1 2\n3 4 5\n\n", "zone: line 1: a parenthesis is not closed"],
      ["a. SOA b. c. 1 2 3 4 5)\n", "zone: line 1: a closing parenthesis without its opening one"],
      [`${START}x A 192.0.2\n`, "zone: line 6: '192.0.2' is not an IPv4 address"],
      [`${START}x A 192.0.2.256\n`, "zone: line 6: '192.0.2.256' is not an IPv4 address"],
      [`${START}x A 192.0.2.1.\n`, "zone: line 6: '192.0.2.1.' is not an IPv4 address"],
      [`${START}x A 0x7f.0.0.1\n`, "zone: line 6: '0x7f.0.0.1' is not an IPv4 address"],
      [`${START}x AAAA 1::2::3\n`, "zone: line 6: '1::2::3' is not an IPv6 address"],
      [`${START}x AAAA 1:2:3:4:5:6:7:8:9\n`, "zone: line 6: '1:2:3:4:5:6:7:8:9' is not an IPv6 address"],
      [`${START}x AAAA 1:2:3:4:5:6:7:8::\n`, "zone: line 6: '1:2:3:4:5:6:7:8::' is not an IPv6 address"],
      [`${START}x AAAA 12345::\n`, "zone: line 6: '12345::' is not an IPv6 address"],
      [`${START}x AAAA ::1:\n`, "zone: line 6: '::1:' is not an IPv6 address"],
      [`${START}x A 192.0.2.1 192.0.2.2\n`, "zone: line 6: '192.0.2.2' is more than the record has"],
      [`${START}\n\nx MX 65536 a\n`, "zone: line 8: '65536' is not a number from 0 to 65535"],
      [`${START}x MX 10\n`, "zone: line 6: a name is missing"],
      [`${START}x TXT (\n  "a"\n  "b\n)\n`, "zone: line 8: a quote is not closed on its line"],
      [
        `${START}x TXT (\n  "a"\n  \\999\n)\n`,
        "zone: line 8: a malformed escape: \\ needs a letter or three digits up to 255 behind it",
      ],
      [`${START}x TXT ${"a".repeat(256)}\n`, "zone: line 6: a string is longer than 255 bytes: cut it in several"],
      [`${START}x TXT\n`, "zone: line 6: text is missing"],
      [`${START}${"x".repeat(64)} A 192.0.2.1\n`, `zone: line 6: '${"x".repeat(64)}' has a part of more than 63 bytes`],
      [`${START}a..b A 192.0.2.1\n`, "zone: line 6: 'a..b' has an empty part"],
      [`${START}x.other. A 192.0.2.1\n`, "zone: line 6: the record's name is outside of the zone"],
      [`${START}x CNAME a\nx A 192.0.2.1\n`, "zone: line 7: a name with a CNAME has no other records"],
      [`${START}x A 192.0.2.1\nx CNAME a\n`, "zone: line 7: a name with a CNAME has no other records"],
      [`${START}x CNAME a\nx CNAME b\n`, "zone: line 7: a name with a CNAME has no other records"],
      [`${START}@ SOA ns hostmaster 2 2 3 4 5\n`, "zone: line 6: a zone has one SOA"],
      [`${START}x SOA ns hostmaster 2 2 3 4 5\n`, "zone: line 6: the record's name is outside of the zone"],
      [`${START}*.x NS ns\n`, "zone: line 6: a wildcard has no NS records"],
      [`${START}x CH TXT a\n`, "zone: line 6: class CH is not served: only IN"],
      [`${START}x 60 IN 60 A 192.0.2.1\n`, "zone: line 6: '60' is no type of records that is served"],
      [`${START}x 2147483648 A 192.0.2.1\n`, "zone: line 6: '2147483648' is not a time in seconds, nor one like 1h30m"],
      [`${START}x 5y A 192.0.2.1\n`, "zone: line 6: '5y' is not a time in seconds, nor one like 1h30m"],
      [`${START}x NSEC a A\n`, "zone: line 6: 'NSEC' is no type of records that is served"],
      [`${START}x TYPE46 \\# 0\n`, "zone: line 6: TYPE46 is not served"],
      [`${START}x TYPE1 \\# 4 c0000201\n`, "zone: line 6: TYPE1 has a name: A"],
      [`${START}x TYPE1000 \\# 4 c00002\n`, "zone: line 6: there are 3 bytes of data, not 4"],
      [`${START}x TYPE1000 abc\n`, "zone: line 6: the data of this type must be given as \\# SIZE HEXADECIMAL"],
      [`${START}x SSHFP 1 1 abc\n`, "zone: line 6: an odd number of hexadecimal digits"],
      [`${START}$INCLUDE other\n`, "zone: line 6: '$INCLUDE' is not known here: $ORIGIN and $TTL are"],
      [`${START}x A 192.0.2.1\0\nx A 192.0.2.2\n`, "zone: line 6: a NUL byte"],
      [`${START}x\n`, "zone: line 6: the record's type is missing"],
    ])("%j is refused", (text, refusal) => {
      const { end, stdout } = run(path, [padded("wrong.zone", text), "--port=9"]);
      expect([end, stdout]).toEqual([1, `${refusal}\n`]);
    });

    it.each([
      ["line ends of CR LF", START.replaceAll("\n", "\r\n"), []],
      ["an origin given as option", START.replace("$ORIGIN example.com.\n", ""), ["--origin=example.com"]],
      ["an SOA without TTL", START.replace("$TTL 60\n", ""), []],
      ["a relative origin", START.replace("ns A", "$ORIGIN ns\n@ A"), []],
      ["no end of line at the end", START.trimEnd(), []],
      ["comments and parentheses anywhere", START.replace("1 2 3 4 5", "( ; one\n1\n\n2 ) ; two\n 3 4 (5)"), []],
    ])("%s: as good as any", async (_name, text, words) => {
      // The parenthesis before 3 is closed, and the line goes on with it only in the first part.
      const good = text.replace("2 ) ; two\n 3 4 (5)", "2 3 4 5 ) ; two");
      const { port } = await startServer(path, [padded("good.zone", good), ...words]);
      const other = await udpClient(port);
      expect(lines((await other.ask({ name: "ns.example.com", type: "A" })).answer)[0]).toMatch(/ A 192\.0\.2\.1$/);
      other.close();
    });

    it("are read in blocks of any size", async () => {
      const image = join(folder, "blocks.img");
      copyFileSync(ZONE, image);
      truncateSync(image, 32_768);
      const { port } = await startServer(path, ["--block-sector-size:zone=32768", `--block:zone=${image}`]);
      const other = await udpClient(port);
      expect((await other.ask(WEB)).answer.length).toBe(1);
      other.close();
    });
  });
});
