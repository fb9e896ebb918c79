import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, posix } from "node:path";

const TYPE_DIRECTORY = 0o040000;
const TYPE_FILE = 0o100000;
const TYPE_SYMLINK = 0o120000;
const EMPTY = new Uint8Array();

/**
 * An initramfs in the making: a cpio archive of the "newc" kind, as the kernel unpacks it
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Paths are absolute in the guest.
 */
export class Initramfs {
  readonly #chunks: Uint8Array[] = [];
  readonly #folders = new Set<string>(["/"]);
  #inode = 1;

  /** Adds an empty folder, and the folders above it. */
  addFolder(path: string): void {
    if (this.#folders.has(path)) return;
    this.addFolder(posix.dirname(path));
    this.#folders.add(path);
    this.#append(path, TYPE_DIRECTORY | 0o755, EMPTY);
  }

  addFile(path: string, bytes: Uint8Array, permissions = 0o644): void {
    this.addFolder(posix.dirname(path));
    this.#append(path, TYPE_FILE | permissions, bytes);
  }

  addSymlink(path: string, target: string): void {
    this.addFolder(posix.dirname(path));
    this.#append(path, TYPE_SYMLINK | 0o777, Buffer.from(target));
  }

  /** Adds this machine's file, or folder with all in it, at `path`; symlinks stay what they are. */
  addFrom(source: string, path: string, wanted: (entry: Dirent) => boolean = () => true): void {
    const status = lstatSync(source);
    if (status.isSymbolicLink()) this.addSymlink(path, readlinkSync(source));
    else if (status.isFile()) this.addFile(path, readFileSync(source), status.mode & 0o755);
    else if (status.isDirectory()) {
      for (const entry of readdirSync(source, { withFileTypes: true })) {
        if (wanted(entry)) this.addFrom(join(source, entry.name), posix.join(path, entry.name), wanted);
      }
    }
  }

  /** Ends the archive. */
  finish(): readonly Uint8Array[] {
    this.#append("/TRAILER!!!", 0, EMPTY);
    return this.#chunks;
  }

  #append(path: string, mode: number, bytes: Uint8Array): void {
    const name = Buffer.from(`${path.slice(1)}\0`);
    const links = 1;
    const fields = [this.#inode++, mode, 0, 0, links, 0, bytes.length, 0, 0, 0, 0, name.length, 0];
    const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
    this.#chunks.push(header, name, padding(header.length + name.length), bytes, padding(bytes.length));
  }
}

/** What is missing to a multiple of four bytes. */
function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
