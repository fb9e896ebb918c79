import { createSocket } from "node:dgram";
import { connect } from "node:net";

const HEADER_BYTES = 12;
const CLASS_IN = 1;
const SILENCE_LIMIT_MS = 20_000;

const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  TLSA: 52,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const;

/** A type by its name, or TYPE and its number. */
export type TypeName = keyof typeof TYPES | `TYPE${number}`;

const NAMES = new Map<number, string>(Object.entries(TYPES).map(([name, number]) => [number, name]));

/** Where the data of a type begins with numbers of 16 bits and goes on with names only: how many of both. */
const NAMED_DATA = new Map<string, readonly [numbers: number, names: number]>([
  ["NS", [0, 1]],
  ["CNAME", [0, 1]],
  ["PTR", [0, 1]],
  ["MX", [1, 1]],
  ["SRV", [3, 1]],
  ["SOA", [0, 2]],
  ["RP", [0, 2]],
]);

const CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

export interface DnsQuery {
  readonly name: string;
  readonly type: TypeName;
  readonly class?: number;
  readonly id?: number;
  readonly flags?: number;
  /** EDNS: the size that is told, and the version. */
  readonly edns?: { readonly size: number; readonly version?: number };
}

export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  /** As a zone file has it for addresses and names; else hexadecimal. */
  readonly data: string;
}

export interface DnsMessage {
  readonly id: number;
  readonly code: string;
  readonly flags: readonly string[];
  readonly question: string | undefined;
  readonly answer: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  readonly edns: { readonly size: number; readonly version: number } | undefined;
  readonly size: number;
}

export function typeNumber(type: TypeName): number {
  return type in TYPES ? TYPES[type as keyof typeof TYPES] : Number(type.slice(4));
}

/** A name's wire form; `\DDD` and `\.` are understood. */
export function encodeName(name: string): Buffer {
  const labels: number[][] = [[]];
  for (const [piece] of name.matchAll(/\\\d{3}|\\.|./gs)) {
    if (piece === ".") labels.push([]);
    else if (/^\\\d/.test(piece)) labels.at(-1)?.push(Number(piece.slice(1)));
    else labels.at(-1)?.push(piece.charCodeAt(piece.length - 1));
  }
  const used = labels.filter((label) => label.length > 0);
  return Buffer.from([...used.flatMap((label) => [label.length, ...label]), 0]);
}

export function encodeQuery({
  name,
  type,
  class: queryClass = CLASS_IN,
  id = 0x1234,
  flags = 0,
  edns,
}: DnsQuery): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(edns === undefined ? 0 : 1, 10);
  const fixed = Buffer.alloc(4);
  fixed.writeUInt16BE(typeNumber(type), 0);
  fixed.writeUInt16BE(queryClass, 2);
  const opt = Buffer.alloc(edns === undefined ? 0 : 11);
  if (edns !== undefined) {
    opt.writeUInt16BE(TYPES.OPT, 1);
    opt.writeUInt16BE(edns.size, 3);
    opt.writeUInt8(edns.version ?? 0, 6);
  }
  return Buffer.concat([header, encodeName(name), fixed, opt]);
}

/** Reads a message with a place in it. Throws where the message is malformed. */
class Reader {
  readonly bytes: Buffer;
  at = HEADER_BYTES;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  number(size: number): number {
    this.at += size;
    return this.bytes.readUIntBE(this.at - size, size);
  }

  take(size: number): Buffer {
    if (this.at + size > this.bytes.length) throw new Error("a record beyond the message's end");
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  /** A name, decompressed; each pointer must lead back. */
  name(): string {
    let name = "";
    let limit = this.at;
    let after = 0;
    for (;;) {
      const size = this.number(1);
      if (size >= 0xc0) {
        const target = ((size & 0x3f) << 8) | this.number(1);
        if (target >= limit || target < HEADER_BYTES) throw new Error("a pointer that does not lead back");
        if (after === 0) after = this.at;
        limit = target;
        this.at = target;
      } else if (size > 63) {
        throw new Error("a label of an unknown kind");
      } else if (size === 0) {
        if (after !== 0) this.at = after;
        return name === "" ? "." : name;
      } else {
        name += `${textOf(this.take(size))}.`;
      }
    }
  }
}

/** A label as a zone file has it. */
function textOf(label: Buffer): string {
  return [...label]
    .map((byte) => {
      if (byte <= 32 || byte >= 127) return `\\${byte.toString().padStart(3, "0")}`;
      const letter = String.fromCharCode(byte);
      return /[.\\"@$;()]/.test(letter) ? `\\${letter}` : letter;
    })
    .join("");
}

function readData(reader: Reader, type: string, size: number): string {
  const end = reader.at + size;
  const named = NAMED_DATA.get(type);
  if (named === undefined) {
    const bytes = reader.take(size);
    return type === "A" && size === 4 ? bytes.join(".") : bytes.toString("hex");
  }
  const [numbers, names] = named;
  const parts = Array.from({ length: numbers }, () => `${reader.number(2)}`);
  for (let i = 0; i < names; i++) parts.push(reader.name());
  while (reader.at + 4 <= end) parts.push(`${reader.number(4)}`);
  if (reader.at !== end) throw new Error(`the data of ${type} ends elsewhere`);
  return parts.join(" ");
}

function readRecord(reader: Reader): DnsRecord & { readonly class: number } {
  const name = reader.name();
  const number = reader.number(2);
  const type = NAMES.get(number) ?? `TYPE${number}`;
  const recordClass = reader.number(2);
  const ttl = reader.number(4);
  const data = readData(reader, type, reader.number(2));
  return { name, type, class: recordClass, ttl, data };
}

function flagNames(flags: number): readonly string[] {
  const names: readonly (readonly [number, string])[] = [
    [0x8000, "qr"],
    [0x0400, "aa"],
    [0x0200, "tc"],
    [0x0100, "rd"],
    [0x0080, "ra"],
    [0x0040, "z"],
    [0x0020, "ad"],
    [0x0010, "cd"],
  ];
  return names.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
}

/** Reads a response to its last byte. Throws where it is malformed. */
export function decodeMessage(bytes: Buffer): DnsMessage {
  const reader = new Reader(bytes);
  const flags = bytes.readUInt16BE(2);
  const counts = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
  let question: string | undefined;
  if (counts[0] === 1) {
    const name = reader.name();
    const number = reader.number(2);
    question = `${name} ${reader.number(2)} ${NAMES.get(number) ?? `TYPE${number}`}`;
  }
  const [answer = [], authority = [], additional = []] = counts
    .slice(1)
    .map((count) => Array.from({ length: count }, () => readRecord(reader)));
  if (reader.at !== bytes.length) throw new Error(`${bytes.length - reader.at} bytes more than the message says`);
  const opt = additional.find(({ type }) => type === "OPT");
  const code = (flags & 15) | (opt === undefined ? 0 : (opt.ttl >>> 24) << 4);
  const plain = ({ name, type, ttl, data }: DnsRecord) => ({ name, type, ttl, data });
  return {
    id: bytes.readUInt16BE(0),
    code: code === 16 ? "BADVERS" : (CODES[code] ?? `${code}`),
    flags: flagNames(flags),
    question,
    answer: answer.map(plain),
    authority: authority.map(plain),
    additional: additional.filter((record) => record !== opt).map(plain),
    edns: opt === undefined ? undefined : { size: opt.class, version: (opt.ttl >>> 16) & 0xff },
    size: bytes.length,
  };
}

/** A client over UDP, on one socket; its queries go one after another. */
export interface DnsClient {
  readonly ask: (query: DnsQuery) => Promise<DnsMessage>;
  /** Sends bytes and gives those that come back. */
  readonly exchange: (bytes: Uint8Array) => Promise<Buffer>;
  /** Sends bytes that nothing answers. */
  readonly send: (bytes: Uint8Array) => Promise<void>;
  readonly close: () => void;
}

export function udpClient(port: number): Promise<DnsClient> {
  const socket = createSocket("udp4");
  const send = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => socket.send(bytes, (error) => (error === null ? resolve() : reject(error))));
  const exchange = (bytes: Uint8Array) =>
    new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => done(() => reject(new Error("no answer"))), SILENCE_LIMIT_MS);
      const onMessage = (message: Buffer) => done(() => resolve(message));
      const onError = (error: Error) => done(() => reject(error));
      const done = (then: () => void) => {
        clearTimeout(timer);
        socket.off("message", onMessage);
        socket.off("error", onError);
        then();
      };
      socket.on("message", onMessage);
      socket.on("error", onError);
      send(bytes).catch(onError);
    });
  const ask = async (query: DnsQuery) => decodeMessage(await exchange(encodeQuery(query)));
  return new Promise((resolve) => {
    socket.connect(port, "127.0.0.1", () => resolve({ ask, exchange, send, close: () => socket.close() }));
  });
}

/** Sends messages over one connection, in pieces of the given size, and gives the answers up to the server's end. */
export function askOverTcp(
  port: number,
  messages: readonly Uint8Array[],
  pieceBytes = 1 << 20,
): Promise<readonly Buffer[]> {
  const stream = Buffer.concat(
    messages.flatMap((message) => [Buffer.from([message.length >> 8, message.length & 0xff]), message]),
  );
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const pieces: Buffer[] = [];
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_LIMIT_MS, () => {
      socket.destroy();
      reject(new Error("no end"));
    });
    socket.once("error", reject);
    socket.on("data", (bytes) => pieces.push(bytes));
    socket.once("end", () => {
      socket.destroy();
      resolve(messagesOf(Buffer.concat(pieces)));
    });
    for (let at = 0; at < stream.length; at += pieceBytes) socket.write(stream.subarray(at, at + pieceBytes));
    socket.end();
  });
}

function messagesOf(stream: Buffer): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = stream.readUInt16BE(at);
    if (at + 2 + size > stream.length) throw new Error("a message that is cut short");
    messages.push(stream.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return messages;
}
