import { writeSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import { executableMemfd, replaceProcess, standardFlags } from "../host/replace-process.ts";
import { chooseEngine } from "../monitor/engine-choice.ts";
import { readImageFile } from "../monitor/image-file.ts";
import { matchDevices } from "../monitor/match-devices.ts";
import { openDevices } from "../monitor/open-devices.ts";
import { executableForThisHost } from "../monitor/process-machine.ts";
import { deviceOptions, type GuestArguments, withGuestOptions } from "./options.ts";

interface RunArguments extends GuestArguments {
  readonly verbose?: boolean;
}

export function command(): Command {
  const flags = standardFlags();
  return withGuestOptions(
    new Command("run")
      .description(
        "Run an image in the lightest sandbox that fits it. The guest replaces this process: same pid, its exit status is the guest's.",
      )
      .usage("[options] <image> [guest arguments...]")
      .argument("<image>", "path of the image")
      .argument("[arguments...]", "the guest's command line")
      .passThroughOptions(),
  )
    .option("-v, --verbose", "say which engine was chosen, and why")
    .addHelpText("after", HELP)
    .action((path: string, guestArguments: string[], options: RunArguments) => {
      run(path, guestArguments, options, flags);
    });
}

function run(
  path: string,
  guestArguments: readonly string[],
  options: RunArguments,
  flags: ReturnType<typeof standardFlags>,
): void {
  const image = readImageFile(path);
  const choice = chooseEngine(image);
  const { devices } = openDevices(matchDevices(image, deviceOptions(options)));
  const name = basename(path);
  const executable = executableForThisHost({ image, memoryMib: options.mem, devices, name, speaker: "skiff" });
  if (options.verbose) writeSync(2, `skiff: engine ${choice.engine}: ${choice.reason}\n`);
  const descriptors = devices.map((device) => device.descriptor);
  replaceProcess(executableMemfd(name, executable), [path, ...guestArguments], descriptors, flags);
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
  skiff run --block storage=disk.img guests/images/x86_64/block.spt

Exit status: the guest's own; 1 with one line where Skiff refuses; signals end the guest as any process:
SIGSEGV where it breaks a memory protection, SIGSYS where it tries a forbidden system call.`;
