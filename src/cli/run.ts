import { writeSync } from "node:fs";
import { basename } from "node:path";
import { Command, Option } from "commander";
import { executableMemfd, replaceProcess, standardFlags } from "../host/replace-process.ts";
import { corePath, requireCoreFolder, writeCoreFile } from "../monitor/core-file.ts";
import { chooseEngine, ENGINE_WORDS, type EngineName, type EngineWord } from "../monitor/engine-choice.ts";
import { UsageError } from "../monitor/error.ts";
import { HOSTED_ENGINES } from "../monitor/hosted-engines.ts";
import type { GuestState } from "../monitor/hvt-machine.ts";
import { readImageFile } from "../monitor/image-file.ts";
import { matchDevices } from "../monitor/match-devices.ts";
import { openDevices } from "../monitor/open-devices.ts";
import { deviceOptions, type GuestArguments, mergeGuestOptions, splitGuestWords, withGuestOptions } from "./options.ts";

const PORT_MAX = 65535;

interface RunArguments extends GuestArguments {
  readonly engine: EngineWord;
  readonly verbose?: boolean;
  readonly core?: string;
  readonly gdb?: number;
}

export function command(): Command {
  const flags = standardFlags();
  return withGuestOptions(
    new Command("run")
      .description(
        "Run an image in the lightest sandbox that fits it: a process of its own, which replaces this one, a virtual machine, or the emulator. The exit status is the guest's.",
      )
      .usage("[options] <image> [guest arguments...]")
      .argument("<image>", "path of the image")
      .argument("[arguments...]", "the guest's command line")
      .passThroughOptions(),
  )
    .addOption(
      new Option("--engine <ENGINE>", "what runs the guest; auto takes the lightest that can run the image here")
        .choices(ENGINE_WORDS)
        .default("auto"),
    )
    .option("-v, --verbose", "say which engine was chosen, and why")
    .option("--core <DIR>", "not with the process engine: write a core file, for gdb, where the guest aborts or faults")
    .option(
      "--gdb <PORT>",
      "not with the process engine: wait for gdb on this port before the first instruction",
      parsePort,
    )
    .addHelpText("after", HELP)
    .action((path: string, words: string[], options: RunArguments, command: Command) => {
      const { args, options: behind } = splitGuestWords(command, words);
      return run(path, args, { ...options, ...mergeGuestOptions(options, behind) }, flags);
    });
}

async function run(
  path: string,
  guestArguments: readonly string[],
  options: RunArguments,
  flags: ReturnType<typeof standardFlags>,
): Promise<void> {
  const image = readImageFile(path);
  const { engine, reason } = chooseEngine(image, options.engine);
  refuseWithout(engine, "core", options.core);
  refuseWithout(engine, "gdb", options.gdb);
  if (options.core !== undefined) requireCoreFolder(options.core);
  const { devices, close } = openDevices(matchDevices(image, deviceOptions(options)));
  const machine = { image, memoryMib: options.mem, devices };
  if (engine !== "process") {
    const hosting = await HOSTED_ENGINES[engine]();
    const { runHosted } = await import("../monitor/run-hosted.ts");
    if (options.verbose) say(`engine ${engine}: ${reason}`);
    const debugging = {
      ...(options.gdb === undefined ? {} : { gdb: { port: options.gdb } }),
      ...(options.verbose ? { count: say } : {}),
      ...(options.core === undefined ? {} : { failed: coreWriter(options.core) }),
    };
    process.exitCode = await runHosted({ ...machine, ...debugging, hosting, args: guestArguments, say });
    close();
    return;
  }
  const { executableForThisHost } = await import("../monitor/process-machine.ts");
  const name = basename(path);
  const executable = executableForThisHost({ ...machine, name, speaker: "skiff" });
  if (options.verbose) say(`engine ${engine}: ${reason}`);
  const descriptors = devices.map((device) => device.descriptor);
  replaceProcess(executableMemfd(name, executable), [path, ...guestArguments], descriptors, flags);
}

function parsePort(text: string): number {
  if (/^[0-9]{1,5}$/.test(text) && Number(text) <= PORT_MAX) return Number(text);
  throw new UsageError(`--gdb ${text}: a port is a number up to ${PORT_MAX}, e.g. 1234; 0 chooses one`);
}

/** A process of its own has the host's own tools. */
function refuseWithout(engine: EngineName, option: string, value: unknown): void {
  if (value === undefined || engine !== "process") return;
  throw new UsageError(
    `--${option}: it is for the kvm engine and the emulator; this guest will be a process, take gdb -p or the host's core dumps (ulimit -c)`,
  );
}

function coreWriter(folder: string): (state: GuestState) => void {
  return (state) => {
    const { path } = writeCoreFile(corePath(folder, "skiff"), state);
    say(`wrote the guest's core: ${path}`);
  };
}

function say(line: string): void {
  writeSync(2, `skiff: ${line}\n`);
}

const HELP = `
Devices (skiff inspect shows which an image declares; each must be attached):
  --net NAME=TAP[,mac=XX:XX:XX:XX:XX:XX]    an existing tap that is up
  --net NAME=TAP,host=10.0.0.1/24           a tap made for the guest, with the host's address; it goes with the guest
  --net NAME=@N                             an inherited descriptor that is a tap
  --block NAME=FILE[,sector=BYTES]          a file or block device; sectors of 512 bytes unless said otherwise
  --block NAME=@N                           an inherited descriptor, open for reading and writing

Examples:
  skiff run guests/images/x86_64/hello.spt Hello, world
  skiff run --mem 16 --net service=tap0,host=10.0.0.1/24 guests/images/x86_64/net.spt --ipv4=10.0.0.2/24
  skiff run guests/images/x86_64/httpd.spt --net service=tap0,host=10.0.0.1/24 -- --ipv4=10.0.0.2/24
  skiff run --block storage=disk.img guests/images/x86_64/block.spt
  skiff run guests/images/aarch64/hello.hvt Hello     by KVM on a 64-bit Arm host, elsewhere in the emulator

Exit status: the guest's own; 1 with one line where Skiff refuses; signals end the guest as any process:
SIGSEGV where it breaks a memory protection, SIGSYS where it tries a forbidden system call.`;
