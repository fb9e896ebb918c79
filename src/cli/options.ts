import type { Command } from "commander";
import {
  type BlockOptions,
  type NetOptions,
  parseBlockOption,
  parseMemory,
  parseNetOption,
} from "../monitor/device-options.ts";
import { collectOptions, type DeviceOptions } from "../monitor/match-devices.ts";
import { MEMORY_MIB_DEFAULT } from "../monitor/process-machine.ts";

/** The options that say what a guest is given, as Commander collects them. */
export interface GuestArguments {
  readonly mem: number;
  readonly net?: readonly (readonly [string, NetOptions])[];
  readonly block?: readonly (readonly [string, BlockOptions])[];
}

/** Adds them to a command. */
export function withGuestOptions(command: Command): Command {
  return command
    .option("-m, --mem <MiB>", "memory of the guest", parseMemory, MEMORY_MIB_DEFAULT)
    .option(
      "-n, --net <NAME=TAP>",
      "attach the net device NAME to a tap (or @N), may be repeated",
      collect(parseNetOption),
    )
    .option(
      "-b, --block <NAME=FILE>",
      "attach the block device NAME to a file (or @N), may be repeated",
      collect(parseBlockOption),
    );
}

function collect<Value>(parse: (text: string) => Value): (text: string, values?: Value[]) => Value[] {
  return (text, values = []) => [...values, parse(text)];
}

export function deviceOptions(args: GuestArguments): DeviceOptions {
  return { net: collectOptions("--net", args.net ?? []), block: collectOptions("--block", args.block ?? []) };
}
