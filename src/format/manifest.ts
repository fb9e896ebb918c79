import type { ElfFile } from "./elf.ts";
import { ImageError } from "./error.ts";
import { FieldReader, requireValue } from "./field.ts";
import type { Manifest, ManifestDevice } from "./image.ts";
import { findNote, NOTE_HEADER_BYTES } from "./note.ts";

/** `struct mft` on 64-bit targets (Solo5 `include/mft_abi.h`): offsets, and the size of what precedes the entries. */
const MANIFEST = { version: 0, entries: 4 } as const;
const MANIFEST_HEADER_BYTES = 8;
const MANIFEST_VERSION = 1;
/** Includes the first entry, which is reserved: at most 63 devices. */
const MANIFEST_MAX_ENTRIES = 64;

/** `struct mft_entry` on 64-bit targets: offsets, and the size. What lies between type and attached is for a tender to fill in. */
const MANIFEST_ENTRY = { name: 0, type: 68, attached: 96 } as const;
const MANIFEST_ENTRY_BYTES = 104;

/** The descriptor begins with padding that brings `struct mft` to a multiple of 8 from the note's start. */
const MANIFEST_NOTE_OFFSET = Math.ceil(NOTE_HEADER_BYTES / 8) * 8;

/** `enum mft_type`. */
const MANIFEST_TYPE = { block: 1, net: 2, reservedFirst: 2 ** 30 } as const;

/**
 * Reads the manifest note (Solo5 `include/mft_abi.h`). Names are what the tenders' options can spell: letters and digits.
 * Bytes behind a name's terminator and the properties that a tender fills in may hold anything.
 * @throws ImageError when the note is malformed, or a device is unknown, unnamed, named twice or marked as attached.
 */
export function readManifest(elf: ElfFile): Manifest {
  const note = findNote(elf, "MFT1");
  const descriptorBytes = note.length - NOTE_HEADER_BYTES;
  const bytes = note.subarray(MANIFEST_NOTE_OFFSET);
  if (bytes.length < MANIFEST_HEADER_BYTES) {
    const least = MANIFEST_NOTE_OFFSET - NOTE_HEADER_BYTES + MANIFEST_HEADER_BYTES;
    throw new ImageError("MFT1 n_descsz", String(descriptorBytes), `at least ${least}`);
  }
  const header = new FieldReader(bytes);
  const version = header.u32(MANIFEST.version);
  requireValue("mft.version", version, MANIFEST_VERSION, "the manifest format of Solo5");
  const entries = header.u32(MANIFEST.entries);
  if (entries < 1 || entries > MANIFEST_MAX_ENTRIES) {
    throw new ImageError("mft.entries", String(entries), `1 to ${MANIFEST_MAX_ENTRIES}`);
  }
  const size = MANIFEST_HEADER_BYTES + entries * MANIFEST_ENTRY_BYTES;
  if (bytes.length !== size) {
    const expected = MANIFEST_NOTE_OFFSET - NOTE_HEADER_BYTES + size;
    throw new ImageError("MFT1 n_descsz", String(descriptorBytes), `${expected}, the size of ${entries} entries`);
  }
  return { version, devices: readDevices(bytes, entries), bytes };
}

function readDevices(bytes: Uint8Array, entries: number): ManifestDevice[] {
  const entryBytes = (index: number) =>
    bytes.subarray(
      MANIFEST_HEADER_BYTES + index * MANIFEST_ENTRY_BYTES,
      MANIFEST_HEADER_BYTES + (index + 1) * MANIFEST_ENTRY_BYTES,
    );
  checkReserved(entryBytes(0));
  const devices: ManifestDevice[] = [];
  const indexByName = new Map<string, number>();
  for (let index = 1; index < entries; index++) {
    const device = readDevice(entryBytes(index), index);
    const first = indexByName.get(device.name);
    if (first !== undefined) {
      throw new ImageError(`mft.e[${index}].name`, `"${device.name}"`, `a name that mft.e[${first}] does not have`);
    }
    indexByName.set(device.name, index);
    devices.push(device);
  }
  return devices;
}

function checkReserved(entry: Uint8Array): void {
  const type = new FieldReader(entry).u32(MANIFEST_ENTRY.type);
  requireValue("mft.e[0].type", type, MANIFEST_TYPE.reservedFirst, "reserved");
  const name = readName(entry, 0);
  if (name !== "") throw new ImageError("mft.e[0].name", quote(name), "empty, as the first entry is reserved");
  checkAttached(entry, 0);
}

function readDevice(entry: Uint8Array, index: number): ManifestDevice {
  const value = new FieldReader(entry).u32(MANIFEST_ENTRY.type);
  const type = value === MANIFEST_TYPE.block ? "block" : value === MANIFEST_TYPE.net ? "net" : undefined;
  if (type === undefined) {
    throw new ImageError(
      `mft.e[${index}].type`,
      String(value),
      `${MANIFEST_TYPE.block} (block) or ${MANIFEST_TYPE.net} (net)`,
    );
  }
  const name = readName(entry, index);
  if (!/^[A-Za-z0-9]+$/.test(name)) {
    throw new ImageError(`mft.e[${index}].name`, quote(name), "letters A-Z, a-z and digits, at least one");
  }
  checkAttached(entry, index);
  return { index, name, type };
}

function readName(entry: Uint8Array, index: number): string {
  const field = entry.subarray(MANIFEST_ENTRY.name, MANIFEST_ENTRY.type);
  const last = field.length - 1;
  if (field[last] !== 0)
    throw new ImageError(`mft.e[${index}].name[${last}]`, String(field[last]), "0, the terminator");
  return String.fromCharCode(...field.subarray(0, field.indexOf(0)));
}

function checkAttached(entry: Uint8Array, index: number): void {
  const attached = entry[MANIFEST_ENTRY.attached];
  if (attached !== 0) throw new ImageError(`mft.e[${index}].attached`, String(attached), "0: only a tender attaches");
}

/** A name from the file, made safe to print on a terminal. */
function quote(name: string): string {
  const safe = [...name].map((letter) =>
    letter >= " " && letter <= "~" ? letter : `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${safe.join("")}"`;
}
