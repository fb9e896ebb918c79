import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { HostError } from "../../src/host/error.ts";
import {
  createExecutableMemfd,
  errorText,
  hostPageBytes,
  isOpen,
  openFilesLimit,
  restoreNonBlocking,
  seekableBytes,
  setCloseOnExec,
  statusFlags,
} from "../../src/host/libc.ffi.ts";
import { shell, succeed } from "../support/command.ts";
import { readProcess } from "../support/process-state.ts";
import { sparseFile, temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder();
const CLOSED = 99_999;
const flagsOf = (descriptor: number) =>
  Number.parseInt(shell('grep flags "/proc/$PPID/fdinfo/$0"', [String(descriptor)]).stdout.split("\t")[1] ?? "", 8);

it("sets and clears O_NONBLOCK as it was, and nothing else", () => {
  const path = join(folder, "fifo");
  succeed("mkfifo", path);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_APPEND);
  const nonBlocking = statusFlags(descriptor) ?? 0;
  const blocking = nonBlocking & ~constants.O_NONBLOCK;
  for (const flags of [nonBlocking, blocking, blocking, nonBlocking]) {
    restoreNonBlocking(descriptor, flags);
    expect(statusFlags(descriptor)).toBe(flags);
    expect(flagsOf(descriptor) & constants.O_APPEND).toBe(constants.O_APPEND);
  }
  closeSync(descriptor);
  restoreNonBlocking(CLOSED, blocking);
  expect(statusFlags(CLOSED)).toBeUndefined();
});

it("marks descriptors to be closed on execve, or not", () => {
  const descriptor = openSync("/dev/null", "r");
  const CLOSE_ON_EXEC = 0o2000000;
  setCloseOnExec(descriptor, false);
  expect(flagsOf(descriptor) & CLOSE_ON_EXEC).toBe(0);
  setCloseOnExec(descriptor, true);
  expect(flagsOf(descriptor) & CLOSE_ON_EXEC).toBe(CLOSE_ON_EXEC);
  closeSync(descriptor);
  expect(() => setCloseOnExec(CLOSED, true)).toThrow(new HostError("fcntl", 9, `descriptor ${CLOSED}`));
});

it("tells open descriptors and sizes", () => {
  const descriptor = openSync(sparseFile(join(folder, "sparse"), 2 ** 40 + 1), "r");
  expect([isOpen(descriptor), isOpen(CLOSED), isOpen(-1)]).toEqual([true, false, false]);
  expect(seekableBytes(descriptor)).toBe(2 ** 40 + 1);
  closeSync(descriptor);
  succeed("mkfifo", join(folder, "another"));
  const fifo = openSync(join(folder, "another"), constants.O_RDWR | constants.O_NONBLOCK);
  expect(seekableBytes(fifo)).toBeUndefined();
  closeSync(fifo);
});

it("tells the host's pages, and limits of processes", () => {
  expect(String(hostPageBytes())).toBe(succeed("getconf", "PAGESIZE").trim());
  const [soft, hard] = readProcess(process.ppid).openFiles;
  expect(openFilesLimit(process.ppid)).toEqual({ soft: BigInt(soft), hard: BigInt(hard) });
  expect(openFilesLimit(2 ** 22 + 1)).toBeUndefined();
});

it.each(["guest", "", "x".repeat(249), "x".repeat(5000), `${"x".repeat(248)}ü`, "€".repeat(84)])(
  "makes files in memory of any name (%#)",
  (name) => {
    const descriptor = createExecutableMemfd(name);
    expect(isOpen(descriptor)).toBe(true);
    closeSync(descriptor);
  },
);

it("names errors as the host does, and those that have no name by number", () => {
  expect(errorText(2)).toBe("No such file or directory");
  expect(new HostError("open", 1, "tap0")).toMatchObject({ message: "tap0: open failed with EPERM", code: "EPERM" });
  expect(new HostError("execve", 8)).toMatchObject({ message: "execve failed with errno 8", code: "errno 8" });
  expect(new HostError("call", 4000)).toMatchObject({ message: "call failed with errno 4000", code: "errno 4000" });
});
