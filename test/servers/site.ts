import { linkSync, mkdirSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { succeed } from "../support/command.ts";
import type { Random } from "../support/random.ts";

export const MODIFIED = new Date("2024-02-29T12:34:56Z");

const DEEP = `${"directory-of-a-long-name/".repeat(9)}end.txt`;
const LONG = `${"n".repeat(180)}.html`;

/** Bytes of a file, by a generator that a seed decides. */
function bytesOf(random: Random, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.integer(0, 255)));
}

/** Files of every size about a block and a buffer, names of every length. By path, without a slash before it. */
export function siteFiles(random: Random): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>([
    ["index.html", Buffer.from("<p>the root\n")],
    ["docs/index.html", Buffer.from("<p>docs\n")],
    ["docs/no-index/a.css", Buffer.from("a {}\n")],
    ["with blank/ü & more.txt", Buffer.from("odd\n")],
    [DEEP, Buffer.from("deep\n")],
    [LONG, Buffer.from("long\n")],
    [`long/${"p".repeat(120)}/${"q".repeat(90)}.json`, Buffer.from("{}\n")],
    ["large.bin", bytesOf(random, 3_000_001)],
  ]);
  for (const size of [0, 1, 511, 512, 513, 4095, 4096, 4097, 65_535, 65_536, 131_072, 200_000]) {
    files.set(`sizes/${size}.bin`, bytesOf(random, size));
  }
  return files;
}

/** Writes the files below `folder`, with a hard link, a symbolic link and an empty directory besides. */
export function writeSite(folder: string, files: ReadonlyMap<string, Buffer>): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
    utimesSync(join(folder, path), MODIFIED, MODIFIED);
  }
  linkSync(join(folder, "sizes/513.bin"), join(folder, "sizes/linked.bin"));
  symlinkSync("index.html", join(folder, "symbolic.html"));
  mkdirSync(join(folder, "empty"));
}

/** Makes a tar archive of a folder, filled up to whole blocks. */
export function makeArchive(folder: string, archive: string, format: string, blockBytes: number): string {
  succeed("tar", `--format=${format}`, "--blocking-factor=1", "-C", folder, "-cf", archive, ".");
  truncateSync(archive, Math.ceil(statSync(archive).size / blockBytes) * blockBytes);
  return archive;
}

const BLOCK_BYTES = 512;

interface TarEntry {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** The letter of its type; a file without. */
  readonly kind?: string;
  readonly target?: string;
  /** The field as it is written; else the content's size in octal. */
  readonly size?: string | Uint8Array;
}

/** An entry of a ustar archive, made by hand to say things in ways that tar does not. */
export function tarEntry({ name, content, kind = "0", target = "", size }: TarEntry): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(BLOCK_BYTES);
  const put = (text: string | Uint8Array, at: number) => header.set(Buffer.from(text), at);
  put(name, 0);
  put("0000644\0", 100);
  put(size ?? bytes.length.toString(8).padStart(11, "0"), 124);
  put("07346545000", 136); // 1000000000 s
  put(kind, 156);
  put(target, 157);
  put("ustar\x0000", 257);
  put("        ", 148);
  const sum = header.reduce((before, byte) => before + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES)]);
}

/** A record of a pax header, whose size counts itself. */
export function paxRecord(keyword: string, value: string): string {
  const rest = ` ${keyword}=${value}\n`;
  const digits = `${rest.length + 1}`.length;
  const size = rest.length + digits;
  return `${size}`.length === digits ? `${size}${rest}` : `${size + 1}${rest}`;
}
