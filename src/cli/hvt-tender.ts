import { accessSync, constants, statSync } from "node:fs";
import { basename } from "node:path";
import { HVT_ABI_VERSION } from "../abi/hvt.ts";
import type { Image } from "../format/image.ts";
import { BYTES_PER_MIB } from "../format/memory.ts";
import { hostPageBytes } from "../host/libc.ffi.ts";
import { corePath, writeCoreFile } from "../monitor/core-file.ts";
import { chooseEngine } from "../monitor/engine-choice.ts";
import { HOSTED_ENGINES, type HostedEngineName } from "../monitor/hosted-engines.ts";
import type { GuestState } from "../monitor/hvt-machine.ts";
import { runHosted } from "../monitor/run-hosted.ts";
import { readImage, readOptions, refuse, type Tender, TenderExit, usage, version, warn } from "./tender.ts";
import { splitArguments } from "./tender-arguments.ts";

/** Upstream's name for core files, which programs look for. */
const CORE_NAME = "solo5-hvt";
/** Upstream maps memory in whole blocks. */
const BLOCK_MIB = 2;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;
const GDB_PORT_DEFAULT = 1234;
const PORT_MAX = 65535;

/**
 * `skiff-hvt`: the options, exit statuses and messages of Solo5's `solo5-hvt` and `solo5-hvt-debug` (v0.12,
 * `tenders/hvt/`), for programs that start them.
 * @returns the exit status.
 */
export async function runHvtTender(program: string, words: readonly string[]): Promise<number> {
  const tender: Tender = {
    name: basename(program).replace(/\.cjs$/, ""),
    abi: "hvt",
    abiVersion: HVT_ABI_VERSION,
    usage: [
      "--dumpcore=DIR                          write a core file into DIR where the guest aborts or traps",
      "--gdb                                   wait for a debugger before the guest's first instruction",
      "--gdb-port=1234                         where a debugger of this host connects to; 0 chooses one",
    ],
  };
  try {
    const command = splitArguments(words);
    if (command.action === "help") return usage(tender);
    if (command.action === "version") return version(tender);
    if (command.action === "missing kernel") throw new TenderExit(["Missing KERNEL operand"], true);
    return await run(tender, command.kernel, command.guestArguments, command.options);
  } catch (error) {
    return refuse(tender, error);
  }
}

/** What `solo5-hvt-debug` can do beside `solo5-hvt`. */
interface DebugOptions {
  dumpcore: string | undefined;
  gdb: boolean;
  gdbPort: number;
}

async function run(
  tender: Tender,
  kernel: string,
  args: readonly string[],
  options: readonly string[],
): Promise<number> {
  const { name } = tender;
  const say = (line: string) => warn(name, line);
  const image = readImage(tender, kernel);
  const debug: DebugOptions = { dumpcore: undefined, gdb: false, gdbPort: GDB_PORT_DEFAULT };
  const { memoryMib: askedMib, devices } = readOptions(image, options, (word) => readDebugOption(debug, word));
  const memoryMib = Math.max(BLOCK_MIB, askedMib - (askedMib % BLOCK_MIB));
  if (memoryMib !== askedMib) say(`adjusting memory to ${memoryMib * BYTES_PER_MIB} bytes`);
  const folder = debug.dumpcore;
  if (folder !== undefined) requireFolder(folder);
  const failed = folder === undefined ? undefined : (state: GuestState) => dumpCore(say, folder, state);
  const common = { image, memoryMib, devices, args, say, ...(failed === undefined ? {} : { failed }) };
  const ending = new AbortController();
  for (const [event, number] of Object.entries(SIGNALS)) process.once(event, () => ending.abort(number));
  const abort = ending.signal;
  const gdb = debug.gdb ? { gdb: { port: debug.gdbPort } } : {};
  const hosting = await HOSTED_ENGINES[hostedEngineOf(image)]();
  const status = await runHosted({ hosting, ...common, ...gdb, abort });
  if (abort.aborted) say(`Exiting on signal ${abort.reason}`);
  return status;
}

/** KVM, or the emulator for an AArch64 image where there is no Arm KVM. */
function hostedEngineOf(image: Image): HostedEngineName {
  const { engine } = chooseEngine(image);
  if (engine === "process") throw new Error("an image of the hvt ABI is no process");
  return engine;
}

/** @returns whether it is one. */
function readDebugOption(debug: DebugOptions, word: string): boolean {
  if (word === "--gdb") {
    debug.gdb = true;
  } else if (word.startsWith("--gdb-port=")) {
    // As scanf(3) reads it: what follows the number is not looked at.
    const port = Number(/^--gdb-port=\+?([0-9]+)/.exec(word)?.[1] ?? Number.NaN);
    if (!(port <= PORT_MAX)) throw new TenderExit(["Malformed argument to --gdb-port"]);
    debug.gdbPort = port;
  } else if (word.startsWith("--dumpcore=")) {
    debug.dumpcore = word.slice("--dumpcore=".length);
  } else {
    return false;
  }
  return true;
}

function requireFolder(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new TenderExit(["dumpcore: cannot open dir"]);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new TenderExit(["dumpcore: dir not writable"]);
  }
}

function dumpCore(say: (line: string) => void, folder: string, state: GuestState): void {
  const path = corePath(folder, CORE_NAME);
  say(`dumpcore: dumping guest core to: ${path}`);
  try {
    const pages = writeCoreFile(path, state).writtenBytes / hostPageBytes();
    say(`dumpcore: dumped ${pages} pages of total ${state.memory.sizeBytes / hostPageBytes()} pages`);
  } catch (error) {
    say(`dumpcore: ${error instanceof Error ? error.message : String(error)}`);
    say("dumpcore: error(s) dumping core, file may be incomplete");
  }
}
