/**
 * Requests and the statuses that answer them. Behind each the test sends one more, good request: it is answered where the
 * connection goes on ("open"), and not where the last response says that it closes ("closed"), nor where what came after
 * that response ends the connection ("cut").
 */
export interface HttpCase {
  readonly name: string;
  readonly bytes: string;
  readonly statuses: readonly number[];
  readonly then: "open" | "closed" | "cut";
  /** Which of the responses answer HEAD. */
  readonly heads?: readonly number[];
}

type Row = readonly [
  name: string,
  bytes: string,
  statuses: readonly number[],
  then: "open" | "closed" | "cut",
  heads?: readonly number[],
];

const host = "Host: a\r\n";
const end = `${host}\r\n`;
const get = `GET / HTTP/1.1\r\n${end}`;
const post = `POST / HTTP/1.1\r\n${host}`;
const chunked = "Transfer-Encoding: chunked\r\n";

const METHODS: readonly Row[] = [
  ["GET", get, [200], "open"],
  ["HEAD", `HEAD / HTTP/1.1\r\n${end}`, [200], "open", [0]],
  ["HEAD of what is not there", `HEAD /none HTTP/1.1\r\n${end}`, [404], "open", [0]],
  ["OPTIONS of a path", `OPTIONS / HTTP/1.1\r\n${end}`, [204], "open"],
  ["OPTIONS of the server", `OPTIONS * HTTP/1.1\r\n${end}`, [204], "open"],
  ["POST without content", `${post}\r\n`, [405], "open"],
  ["PUT", `PUT /x HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\nx`, [405], "open"],
  ["DELETE", `DELETE / HTTP/1.1\r\n${end}`, [405], "open"],
  ["TRACE", `TRACE / HTTP/1.1\r\n${end}`, [405], "open"],
  ["CONNECT", `CONNECT a:443 HTTP/1.1\r\n${end}`, [405], "open"],
  ["an unknown method", `BREW / HTTP/1.1\r\n${end}`, [501], "open"],
  ["a method in lower case", `get / HTTP/1.1\r\n${end}`, [501], "open"],
  ["a method without end", "G".repeat(40), [501], "closed"],
];

const REQUEST_LINES: readonly Row[] = [
  ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", [200], "closed"],
  ["HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", [200], "open"],
  ["HTTP/1.0 with two hosts", `GET / HTTP/1.0\r\n${host}${end}`, [400], "closed"],
  ["a later HTTP/1", `GET / HTTP/1.9\r\n${end}`, [200], "open"],
  ["HTTP/2.0", `GET / HTTP/2.0\r\n${end}`, [505], "closed"],
  ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], "closed"],
  ["HTTP/0.9", "GET /\r\n", [400], "closed"],
  ["a version without dot", `GET / HTTP/11\r\n${end}`, [400], "closed"],
  ["a version of two digits", `GET / HTTP/1.10\r\n${end}`, [400], "closed"],
  ["a version in lower case", `GET / http/1.1\r\n${end}`, [400], "closed"],
  ["another protocol", `GET / HTCPCP/1.0\r\n${end}`, [400], "closed"],
  ["two blanks before the target", `GET  / HTTP/1.1\r\n${end}`, [400], "closed"],
  ["two blanks behind the target", `GET /  HTTP/1.1\r\n${end}`, [400], "closed"],
  ["a tab as separator", `GET\t/ HTTP/1.1\r\n${end}`, [400], "closed"],
  ["a blank behind the version", `GET / HTTP/1.1 \r\n${end}`, [400], "closed"],
  ["a line that ends with LF", `GET / HTTP/1.1\n${end}`, [400], "closed"],
  ["a CR in the line", `GET /\r HTTP/1.1\r\n${end}`, [400], "closed"],
  ["a NUL in the target", `GET /\0 HTTP/1.1\r\n${end}`, [400], "closed"],
  ["bytes beyond ASCII in the target", `GET /\xe4 HTTP/1.1\r\n${end}`, [400], "closed"],
  ["a fragment", `GET /#x HTTP/1.1\r\n${end}`, [400], "closed"],
  ["one empty line before it", `\r\n${get}`, [200], "open"],
  ["two empty lines before it", `\r\n\r\n${get}`, [400], "closed"],
  ["a blank before it", ` ${get}`, [400], "closed"],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400], "closed"],
  ["a target of 4096 bytes", `GET /${"x".repeat(4095)} HTTP/1.1\r\n${end}`, [404], "open"],
  ["a target of 4097 bytes", `GET /${"x".repeat(4096)} HTTP/1.1\r\n${end}`, [414], "closed"],
];

const TARGETS: readonly Row[] = [
  ["a query", `GET /hello.txt?a=/../b HTTP/1.1\r\n${end}`, [200], "open"],
  ["an absolute target", `GET http://b/hello.txt HTTP/1.1\r\n${end}`, [200], "open"],
  ["an absolute target without path", `GET http://b:80 HTTP/1.1\r\n${end}`, [200], "open"],
  ["an absolute target with a query alone", `GET HTTP://b?q HTTP/1.1\r\n${end}`, [200], "open"],
  ["an absolute target without host", `GET http:///x HTTP/1.1\r\n${end}`, [400], "closed"],
  ["an absolute target with a user", `GET http://u@b/ HTTP/1.1\r\n${end}`, [400], "closed"],
  ["another scheme", `GET ftp://b/ HTTP/1.1\r\n${end}`, [400], "closed"],
  ["a target without slash", `GET hello.txt HTTP/1.1\r\n${end}`, [400], "closed"],
  ["an asterisk", `GET * HTTP/1.1\r\n${end}`, [400], "closed"],
  ["an escaped letter", `GET /%68ello.txt HTTP/1.1\r\n${end}`, [200], "open"],
  ["an escaped NUL", `GET /hello.txt%00 HTTP/1.1\r\n${end}`, [400], "open"],
  ["half an escape", `GET /hello%2 HTTP/1.1\r\n${end}`, [400], "open"],
  ["an escape that is none", `GET /%zz HTTP/1.1\r\n${end}`, [400], "open"],
  ["dots inside", `GET /x/.././hello.txt HTTP/1.1\r\n${end}`, [200], "open"],
  ["escaped dots inside", `GET /x/%2e%2E/hello.txt HTTP/1.1\r\n${end}`, [200], "open"],
  ["dots above the root", `GET /../hello.txt HTTP/1.1\r\n${end}`, [400], "open"],
  ["escaped dots above the root", `GET /%2e%2e/etc/passwd HTTP/1.1\r\n${end}`, [400], "open"],
  ["an escaped slash with dots", `GET /x/..%2f..%2fetc/passwd HTTP/1.1\r\n${end}`, [400], "open"],
  ["an escape of an escape", `GET /%252e%252e/hello.txt HTTP/1.1\r\n${end}`, [404], "open"],
  ["many slashes", `GET ///hello.txt HTTP/1.1\r\n${end}`, [200], "open"],
  ["a file as directory", `GET /hello.txt/ HTTP/1.1\r\n${end}`, [404], "open"],
  ["a path longer than any name", `GET /${"y".repeat(2000)} HTTP/1.1\r\n${end}`, [404], "open"],
];

const FIELDS: readonly Row[] = [
  ["no host", "GET / HTTP/1.1\r\n\r\n", [400], "closed"],
  ["two hosts", `GET / HTTP/1.1\r\n${host}${end}`, [400], "closed"],
  ["an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", [200], "open"],
  ["a host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", [400], "closed"],
  ["a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", [400], "closed"],
  ["an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", [200], "open"],
  ["a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", [400], "closed"],
  ["a line folded", `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`, [400], "closed"],
  ["a first line that begins with a blank", `GET / HTTP/1.1\r\n X: a\r\n${end}`, [400], "closed"],
  ["a line without colon", `GET / HTTP/1.1\r\n${host}X\r\n\r\n`, [400], "closed"],
  ["a field without name", `GET / HTTP/1.1\r\n${host}: x\r\n\r\n`, [400], "closed"],
  ["a name with a slash", `GET / HTTP/1.1\r\n${host}a/b: x\r\n\r\n`, [400], "closed"],
  ["a bare CR in a value", `GET / HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`, [400], "closed"],
  ["a bare LF at a line's end", `GET / HTTP/1.1\r\n${host}X: a\n\r\n`, [400], "closed"],
  ["a bare LF as the last line", `GET / HTTP/1.1\r\n${host}\n`, [400], "closed"],
  ["a NUL in a value", `GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`, [400], "closed"],
  ["a DEL in a value", `GET / HTTP/1.1\r\n${host}X: a\x7fb\r\n\r\n`, [400], "closed"],
  ["a control character in a long value", `GET / HTTP/1.1\r\n${host}X: ${"v".repeat(37)}\x01\r\n\r\n`, [400], "closed"],
  [
    "a DEL in a long value",
    `GET / HTTP/1.1\r\n${host}X: ${"v".repeat(37)}\x7f${"v".repeat(37)}\r\n\r\n`,
    [400],
    "closed",
  ],
  ["a tab in a long value", `GET / HTTP/1.1\r\n${host}X: ${"v".repeat(37)}\t${"v".repeat(37)}\r\n\r\n`, [200], "open"],
  ["bytes beyond ASCII in a value", `GET / HTTP/1.1\r\n${host}X: \xe4\xff\r\n\r\n`, [200], "open"],
  ["tabs around a value", "GET / HTTP/1.1\r\nHost:\t a \t\r\n\r\n", [200], "open"],
  ["names in any case", "GET / HTTP/1.1\r\nhOsT: a\r\nCONNECTION: CLOSE\r\n\r\n", [200], "closed"],
  ["100 fields", `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(99)}${end}`, [200], "open"],
  ["101 fields", `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(100)}${end}`, [431], "closed"],
  ["a head of 17000 bytes", `GET / HTTP/1.1\r\nX: ${"x".repeat(17_000)}\r\n${end}`, [431], "closed"],
  ["close among other options", `GET / HTTP/1.1\r\n${host}Connection: a, close ,b\r\n\r\n`, [200], "closed"],
  ["keep-alive and close", `GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n`, [200], "closed"],
  ["an unknown expectation", `GET / HTTP/1.1\r\n${host}Expect: tea\r\n\r\n`, [417], "closed"],
  ["an expectation of HTTP/1.0", "GET / HTTP/1.0\r\nExpect: tea\r\n\r\n", [200], "closed"],
];

const BODIES: readonly Row[] = [
  ["content", `${post}Content-Length: 5\r\n\r\nhello`, [405], "open"],
  ["content of GET", `GET / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`, [200], "open"],
  ["content that looks like a request", `${post}Content-Length: ${get.length}\r\n\r\n${get}`, [405], "open"],
  ["no content, said twice", `${post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`, [400], "closed"],
  ["two lengths", `${post}Content-Length: 0\r\nContent-Length: 5\r\n\r\n`, [400], "closed"],
  ["a list of lengths", `${post}Content-Length: 5, 5\r\n\r\nhello`, [400], "closed"],
  ["a length with a sign", `${post}Content-Length: +5\r\n\r\nhello`, [400], "closed"],
  ["a length below zero", `${post}Content-Length: -1\r\n\r\n`, [400], "closed"],
  ["a length in hexadecimal", `${post}Content-Length: 0x5\r\n\r\nhello`, [400], "closed"],
  ["an empty length", `${post}Content-Length:\r\n\r\n`, [400], "closed"],
  ["a length beyond 64 bits", `${post}Content-Length: 18446744073709551617\r\n\r\nx`, [413], "closed"],
  ["1 MiB of content", `${post}Content-Length: 1048576\r\n\r\n${"x".repeat(1 << 20)}`, [405], "open"],
  ["more than 1 MiB of content", `${post}Content-Length: 1048577\r\n\r\nx`, [413], "closed"],
  ["chunks", `${post}${chunked}\r\n5\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\n`, [405], "open"],
  ["no chunks", `${post}${chunked}\r\n0\r\n\r\n`, [405], "open"],
  [
    "chunks with extensions and a trailer",
    `${post}${chunked}\r\n1;a="b"\r\nx\r\n0;c\r\nT: v\r\nU: w\r\n\r\n`,
    [405],
    "open",
  ],
  ["chunked in capitals", `${post}Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n`, [405], "open"],
  ["a chunk's size that is no number", `${post}${chunked}\r\nxyz\r\nhello\r\n0\r\n\r\n`, [405], "cut"],
  ["a chunk's size with a prefix", `${post}${chunked}\r\n0x5\r\nhello\r\n0\r\n\r\n`, [405], "cut"],
  ["a chunk's size with a blank", `${post}${chunked}\r\n5 \r\nhello\r\n0\r\n\r\n`, [405], "cut"],
  ["a chunk's size beyond 64 bits", `${post}${chunked}\r\n10000000000000005\r\nhello\r\n0\r\n\r\n`, [405], "cut"],
  ["a chunk longer than it says", `${post}${chunked}\r\n4\r\nhello\r\n0\r\n\r\n`, [405], "cut"],
  ["a chunk's line that ends with LF", `${post}${chunked}\r\n5\nhello\r\n0\r\n\r\n`, [405], "cut"],
  ["a chunk that ends with LF", `${post}${chunked}\r\n5\r\nhello\n0\r\n\r\n`, [405], "cut"],
  ["a bare CR in an extension", `${post}${chunked}\r\n5;a\rb\r\nhello\r\n0\r\n\r\n`, [405], "cut"],
  ["length and chunks", `${post}Content-Length: 6\r\n${chunked}\r\n0\r\n\r\nX`, [400], "closed"],
  ["chunks and length", `${post}${chunked}Content-Length: 6\r\n\r\n0\r\n\r\nX`, [400], "closed"],
  ["chunked twice", `${post}${chunked}${chunked}\r\n0\r\n\r\n`, [400], "closed"],
  ["chunked, chunked", `${post}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, [400], "closed"],
  ["chunked, then another coding", `${post}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`, [400], "closed"],
  ["another coding, then chunked", `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, [501], "closed"],
  ["identity", `${post}Transfer-Encoding: identity\r\n\r\n`, [400], "closed"],
  ["xchunked", `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, [400], "closed"],
  ["chunked behind a vertical tab", `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, [400], "closed"],
  ["chunked with a blank before the colon", `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, [400], "closed"],
  ["chunked in HTTP/1.0", `POST / HTTP/1.0\r\n${chunked}\r\n0\r\n\r\n`, [400], "closed"],
  ["content that is expected", `${post}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello`, [405], "closed"],
];

const PIPELINES: readonly Row[] = [
  ["three requests", `${get}HEAD / HTTP/1.1\r\n${end}${get}`, [200, 200, 200], "open", [1]],
  [
    "requests of every kind",
    `${get}${post}Content-Length: 2\r\n\r\nxy${get}OPTIONS * HTTP/1.1\r\n${end}`,
    [200, 405, 200, 204],
    "open",
  ],
  ["a broken one among good ones", `${get}GET / HTTP/3\r\n\r\n${get}`, [200, 400], "closed"],
  ["the last one says close", `${get}GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n${get}`, [200, 200], "closed"],
  ["200 requests", get.repeat(200), Array.from({ length: 200 }, () => 200), "open"],
];

function group(name: string, rows: readonly Row[]): { readonly name: string; readonly cases: readonly HttpCase[] } {
  const cases = rows.map(([title, bytes, statuses, then, heads = []]) => ({
    name: title,
    bytes,
    statuses,
    then,
    heads,
  }));
  return { name, cases };
}

export const GROUPS = [
  group("methods", METHODS),
  group("request lines", REQUEST_LINES),
  group("targets", TARGETS),
  group("fields", FIELDS),
  group("content", BODIES),
  group("pipelines", PIPELINES),
];
