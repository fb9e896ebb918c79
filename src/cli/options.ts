import { Command } from "commander";
import {
  type BlockOptions,
  MEMORY_MIB_DEFAULT,
  type NetOptions,
  parseBlockOption,
  parseMemory,
  parseNetOption,
} from "../monitor/device-options.ts";
import { collectOptions, type DeviceOptions } from "../monitor/match-devices.ts";

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

/**
 * The words behind an image: those options of `withGuestOptions` that stand there first belong to Skiff, as do options
 * before the image; the rest is the guest's command line. A `--` between the two is neither's.
 */
export function splitGuestWords(
  parent: Command,
  words: readonly string[],
): { args: string[]; options: Partial<GuestArguments> } {
  const behindImage = withGuestOptions(new Command().copyInheritedSettings(parent).passThroughOptions());
  const { operands, unknown } = behindImage.parseOptions([...words]);
  const given = Object.entries(behindImage.opts()).filter(([name]) => behindImage.getOptionValueSource(name) === "cli");
  return { args: [...operands, ...unknown], options: Object.fromEntries(given) };
}

/** Devices of both places, and the last memory size of them. */
export function mergeGuestOptions(before: GuestArguments, behind: Partial<GuestArguments>): GuestArguments {
  return {
    mem: behind.mem ?? before.mem,
    net: [...(before.net ?? []), ...(behind.net ?? [])],
    block: [...(before.block ?? []), ...(behind.block ?? [])],
  };
}

function collect<Value>(parse: (text: string) => Value): (text: string, values?: Value[]) => Value[] {
  return (text, values = []) => [...values, parse(text)];
}

export function deviceOptions(args: GuestArguments): DeviceOptions {
  return { net: collectOptions("--net", args.net ?? []), block: collectOptions("--block", args.block ?? []) };
}
