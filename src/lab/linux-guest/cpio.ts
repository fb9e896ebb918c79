import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** A file of an archive. */
export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** Type and rights (stat(2), st_mode). */
  readonly mode: number;
  readonly bytes: Uint8Array;
  /** Of a device node. */
  readonly device?: { readonly major: number; readonly minor: number };
}

const MAGIC = "070701";
const ALIGNMENT = 4;
const TRAILER = "TRAILER!!!";
const CHARACTER_DEVICE = 0o020600;

/** What the kernel opens as the first process's input and output. */
const CONSOLE: CpioEntry = {
  path: "dev/console",
  mode: CHARACTER_DEVICE,
  bytes: new Uint8Array(),
  device: { major: 5, minor: 1 },
};

/** An archive in the format `newc`, as an initramfs has it (Linux Documentation/driver-api/early-userspace/buffer-format.rst). */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const trailer: CpioEntry = { path: TRAILER, mode: 0, bytes: new Uint8Array() };
  return Buffer.concat([...entries, trailer].flatMap((entry, index) => encode(entry, index + 1)));
}

/** A folder as an initramfs, with a console. */
export function initramfsOf(folder: string): Buffer {
  const entries = walk(folder, "");
  const parts = entries.some(({ path }) => path === "dev") ? entries : [...entries, folderEntry("dev")];
  return cpioArchive([...parts, CONSOLE]);
}

function folderEntry(path: string): CpioEntry {
  return { path, mode: 0o040755, bytes: new Uint8Array() };
}

function walk(root: string, below: string): CpioEntry[] {
  return readdirSync(join(root, below)).flatMap((name) => {
    const path = join(below, name);
    const whole = join(root, path);
    const status = lstatSync(whole);
    if (status.isDirectory()) return [{ ...folderEntry(path), mode: status.mode }, ...walk(root, path)];
    const bytes = status.isSymbolicLink() ? Buffer.from(readlinkSync(whole)) : readFileSync(whole);
    return [{ path, mode: status.mode, bytes }];
  });
}

function encode({ path, mode, bytes, device }: CpioEntry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const links = 1;
  const numbers = [
    inode,
    mode,
    0,
    0,
    links,
    0,
    bytes.length,
    0,
    0,
    device?.major ?? 0,
    device?.minor ?? 0,
    name.length,
    0,
  ];
  const header = Buffer.from(MAGIC + numbers.map((number) => number.toString(16).padStart(8, "0")).join(""));
  return [header, name, padding(header.length + name.length), bytes, padding(bytes.length)];
}

function padding(length: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
}
