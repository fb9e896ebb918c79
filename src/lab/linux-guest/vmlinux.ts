import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { SampleError } from "../lack.ts";

/** Places in a bzImage, little-endian (Linux Documentation/arch/x86/boot.rst, the real-mode kernel header). */
const SETUP_SECTORS_OFFSET = 0x1f1;
const HEADER_OFFSET = 0x202;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const HEADER_END = 0x250;
const SECTOR_BYTES = 512;
/** What a header without the number means. */
const SETUP_SECTORS_USUAL = 4;

/** How payloads begin, and what unpacks them. After the packed kernel comes its size, which the tools call garbage. */
const PACKERS = [
  { magic: [0x1f, 0x8b], tool: ["gzip", "-dcq"] },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], tool: ["xz", "--single-stream", "-dcq"] },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], tool: ["zstd", "-dcq"] },
  { magic: [0x02, 0x21, 0x4c, 0x18], tool: ["lz4", "-dcq"] },
  { magic: [0x42, 0x5a, 0x68], tool: ["bzip2", "-dcq"] },
] as const;
const SIZE_BYTES = 4;
const UNPACKED_BYTES_MAX = 512 * 2 ** 20;

/**
 * The kernel itself out of the file that a boot loader takes: an ELF file on x86-64, for monitors that are no boot
 * loaders. What is no bzImage, such as AArch64's Image, is given as it is, unpacked where it is packed by gzip.
 * @throws SampleError where it cannot be unpacked.
 */
export function readVmlinux(path: string): Buffer {
  const bytes = readFileSync(path);
  if (bytes.length < HEADER_END || bytes.toString("latin1", HEADER_OFFSET, HEADER_OFFSET + 4) !== "HdrS") {
    return startsWith(bytes, PACKERS[0].magic) ? unpack(path, bytes, PACKERS[0].tool) : bytes;
  }
  const setupBytes = ((bytes[SETUP_SECTORS_OFFSET] || SETUP_SECTORS_USUAL) + 1) * SECTOR_BYTES;
  const start = setupBytes + bytes.readUInt32LE(PAYLOAD_OFFSET);
  const payload = bytes.subarray(start, start + bytes.readUInt32LE(PAYLOAD_LENGTH));
  const packer = PACKERS.find(({ magic }) => startsWith(payload, magic));
  if (packer === undefined) throw new SampleError(`${path} is packed in a way that is not known`);
  const unpacked = unpack(path, payload, packer.tool);
  if (unpacked.toString("latin1", 0, 4) !== "\u007fELF" || unpacked.length !== sizeIn(payload)) {
    throw new SampleError(`${packer.tool[0]} does not unpack the whole of ${path}`);
  }
  return unpacked;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** Its last four bytes; gzip's own end is the same number. */
function sizeIn(payload: Buffer): number {
  return payload.readUInt32LE(payload.length - SIZE_BYTES);
}

function unpack(path: string, packed: Uint8Array, [program, ...args]: readonly [string, ...string[]]): Buffer {
  const { stdout, error } = spawnSync(program, args, { input: packed, maxBuffer: UNPACKED_BYTES_MAX });
  if (error === undefined) return stdout;
  const isAbsent = "code" in error && error.code === "ENOENT";
  throw new SampleError(
    isAbsent ? `${path} is packed by ${program}, which is not installed` : `${program}: ${error.message}`,
    { cause: error },
  );
}
