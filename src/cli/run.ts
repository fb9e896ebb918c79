import { writeSync } from "node:fs";
import { basename } from "node:path";
import { Command, Option } from "commander";
import { executableMemfd, replaceProcess, standardFlags } from "../host/replace-process.ts";
import { chooseEngine, ENGINE_WORDS, type EngineWord } from "../monitor/engine-choice.ts";
import { readImageFile } from "../monitor/image-file.ts";
import { matchDevices } from "../monitor/match-devices.ts";
import { openDevices } from "../monitor/open-devices.ts";
import { deviceOptions, type GuestArguments, mergeGuestOptions, splitGuestWords, withGuestOptions } from "./options.ts";

interface RunArguments extends GuestArguments {
  readonly engine: EngineWord;
  readonly verbose?: boolean;
}

export function command(): Command {
  const flags = standardFlags();
  return withGuestOptions(
    new Command("run")
      .description(
        "Run an image in the lightest sandbox that fits it: a process of its own, which replaces this one, or a virtual machine. The exit status is the guest's.",
      )
      .usage("[options] <image> [guest arguments...]")
      .argument("<image>", "path of the image")
      .argument("[arguments...]", "the guest's command line")
      .passThroughOptions(),
  )
    .addOption(
      new Option("--engine <ENGINE>", "what runs the guest; auto takes the one for the image's ABI")
        .choices(ENGINE_WORDS)
        .default("auto"),
    )
    .option("-v, --verbose", "say which engine was chosen, and why")
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
  const { devices, close } = openDevices(matchDevices(image, deviceOptions(options)));
  const machine = { image, memoryMib: options.mem, devices };
  if (engine === "kvm") {
    const { runOnKvm } = await import("../monitor/run-kvm.ts");
    if (options.verbose) say(`engine ${engine}: ${reason}`);
    process.exitCode = await runOnKvm({ ...machine, args: guestArguments, say });
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

Exit status: the guest's own; 1 with one line where Skiff refuses; signals end the guest as any process:
SIGSEGV where it breaks a memory protection, SIGSYS where it tries a forbidden system call.`;
