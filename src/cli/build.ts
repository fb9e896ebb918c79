import { closeSync, ftruncateSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Command } from "commander";
import type { SparseFile } from "../engine/process/elf.ts";
import { plannedDevices } from "../monitor/build-devices.ts";
import { requireAbi } from "../monitor/engine-choice.ts";
import { UsageError } from "../monitor/error.ts";
import { readImageFile } from "../monitor/image-file.ts";
import { matchDevices } from "../monitor/match-devices.ts";
import { executableForAnyHost } from "../monitor/process-machine.ts";
import { deviceOptions, type GuestArguments, withGuestOptions } from "./options.ts";

interface BuildArguments extends GuestArguments {
  readonly output: string;
}

export function command(): Command {
  return withGuestOptions(
    new Command("build")
      .description("Write an executable that is the guest and its sandbox, and needs neither Skiff nor Node.")
      .usage("[options] -o <file> <image>")
      .argument("<image>", "path of an image of the spt ABI, for either architecture"),
  )
    .requiredOption("-o, --output <FILE>", "where to write the executable")
    .addHelpText("after", HELP)
    .action((path: string, options: BuildArguments) => {
      const image = readImageFile(path);
      requireAbi(image);
      if (image.abi !== "spt") {
        throw new UsageError(`${path} is for the ${image.abi} ABI; an executable is made of an image of the spt ABI`);
      }
      const devices = plannedDevices(matchDevices(image, deviceOptions(options)));
      const name = basename(options.output);
      writeExecutable(
        options.output,
        executableForAnyHost({ image, memoryMib: options.mem, devices, name, speaker: name }),
      );
    });
}

/** Writes beside the target and renames: a half-written executable never stands under the name. */
function writeExecutable(path: string, file: SparseFile): void {
  const temporary = join(dirname(path), `.skiff-build-${process.pid}`);
  let made = false;
  try {
    refuseIrregular(path);
    const descriptor = openSync(temporary, "wx", 0o777);
    made = true;
    try {
      for (const { offset, bytes } of file.pieces) {
        if (writeSync(descriptor, bytes, 0, bytes.length, offset) !== bytes.length)
          throw new UsageError(`-o ${path}: ${DISK_FULL}`);
      }
      ftruncateSync(descriptor, file.sizeBytes);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    if (made) rmSync(temporary, { force: true });
    throw writeRefusal(path, error);
  }
}

/** Renaming would put the executable in the place of a device, e.g. of `/dev/null`. */
function refuseIrregular(path: string): void {
  if (path === "") throw new UsageError("-o '': give the name of a file");
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined || status.isFile()) return;
  const kind = status.isDirectory() ? "a directory" : "not a regular file";
  throw new UsageError(`-o ${path}: that is ${kind}; give the name of a file`);
}

function writeRefusal(path: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") return error;
  const mend = WRITE_MEND[code] ?? `it cannot be written (${code}); give a file in a directory that you may write`;
  return new UsageError(`-o ${path}: ${mend}`, { cause: error });
}

const DISK_FULL = "the disk is full; free some of it";
const NO_DIRECTORY = "there is no such directory; make it with mkdir -p";
const NO_RIGHT = "no right to write there; give a file in a directory that you may write";

const WRITE_MEND: Readonly<Record<string, string>> = {
  ENOENT: NO_DIRECTORY,
  ENOTDIR: NO_DIRECTORY,
  EACCES: NO_RIGHT,
  EPERM: NO_RIGHT,
  EROFS: "its file system is mounted read-only; give a file on another",
  ENOSPC: DISK_FULL,
  EDQUOT: DISK_FULL,
  EFBIG: "the executable is larger than a file may be; raise the limit with ulimit -f",
  ENAMETOOLONG: "the name is too long; give a shorter one",
};

const HELP = `
What is fixed at build: the memory, each device's descriptor, and each block device's capacity. At start the executable
verifies the capacities, reads each tap's MTU, draws MAC addresses that were not given, and takes its arguments as the
guest's command line; on any mismatch it writes one line and ends with status 1.

Devices:
  --net NAME=@N[,mac=XX:XX:XX:XX:XX:XX]                descriptor N will be a tap
  --block NAME=@N,capacity=BYTES[,sector=BYTES]        descriptor N will be a file of that size (K, M, G)

Examples:
  skiff build guests/images/x86_64/hello.spt -o hello && ./hello
  skiff build guests/images/x86_64/block.spt --block storage=@3,capacity=4M -o block && ./block 3<>disk.img

Exit status: 0, or 1 with one line where Skiff refuses.`;
