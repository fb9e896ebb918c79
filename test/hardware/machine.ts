import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { missingProgram } from "./command.ts";
import { BedError } from "./error.ts";
import { type HostEvent, parseEvent } from "./events.ts";
import type { HostDescription } from "./host.ts";

const TAIL_LINES = 30;
/** All but debugging: where a host hangs as it starts, its log must say how far it came. Its first process turns it down. */
const BOOT_LOG_LEVEL = 7;
/** timeout(1) ends itself by the signal that it sends. */
const TIMED_OUT_STATUS = 137;

/** The files that a machine starts from. */
export interface BootFiles {
  readonly kernel: string;
  readonly initramfs: string;
  /** Where all that the console says is written. */
  readonly log: string;
}

function qemuArgs(host: HostDescription, files: BootFiles): string[] {
  return [
    ...host.qemu.args,
    ...[
      "-accel",
      `tcg,thread=${host.qemu.oneThread ? "single" : "multi"}`,
      "-smp",
      `${host.cpus}`,
      "-m",
      `${host.memoryMib}`,
    ],
    ...["-kernel", files.kernel, "-initrd", files.initramfs],
    ...["-append", `console=${host.kernel.console} loglevel=${BOOT_LOG_LEVEL} panic=-1`],
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"],
  ];
}

/**
 * Starts the machine and waits until it turns itself off.
 * @param onEvent told each event as it comes.
 * @throws BedError with the console's last lines where the machine hangs, crashes or ends without a word.
 */
export async function runMachine(
  host: HostDescription,
  files: BootFiles,
  onEvent: (event: HostEvent) => void,
): Promise<void> {
  const { program } = host.qemu;
  // timeout(1) ends the machine even where this process is killed first.
  const limit = ["--foreground", "--signal=KILL", `${host.timeLimitSeconds}s`];
  const child = spawn("timeout", [...limit, program, ...qemuArgs(host, files)], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve(signal === "SIGKILL" ? TIMED_OUT_STATUS : status));
  });
  const log = createWriteStream(files.log);
  const tail: string[] = [];
  let endStatus: number | undefined;
  let failures = 0;
  const read = (line: string) => {
    log.write(`${line}\n`);
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    const event = parseEvent(line);
    if (event?.type === "end") endStatus = event.status;
    if (event?.type === "fail") failures++;
    if (event !== undefined) onEvent(event);
  };
  createInterface(child.stdout).on("line", read);
  createInterface(child.stderr).on("line", read);
  const status = await ended;
  log.end();
  if (status === 127) throw missingProgram(program);
  // Node ends with status 1 where a test failed; those tests have been told already.
  if (status === 0 && (endStatus === 0 || (endStatus === 1 && failures > 0))) return;
  throw new BedError(
    `${host.name} ${describeEnd(host, status, endStatus)}; the end of its console:\n${tail.join("\n")}`,
  );
}

function describeEnd(host: HostDescription, status: number | null, endStatus: number | undefined): string {
  if (status === TIMED_OUT_STATUS) return `did not end within ${host.timeLimitSeconds} s`;
  if (status !== 0) return `made QEMU end with status ${status}`;
  return endStatus === undefined ? "crashed before its tests ended" : `ended its tests with status ${endStatus}`;
}
