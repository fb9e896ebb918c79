import { writeSync } from "node:fs";
import { Command } from "commander";
import { print } from "./print.ts";
import { VERSION } from "./version.ts";

/** What a command's module exports: a Commander command whose action does the work. */
interface CommandModule {
  readonly command: () => Command;
}

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Loads the command's module only when it is asked for: a run must not pay for the others. */
  readonly load: () => Promise<CommandModule>;
}

const COMMANDS: readonly CommandEntry[] = [
  { name: "run", summary: "run an image in the lightest sandbox that fits it", load: () => import("./run.ts") },
  { name: "build", summary: "write an executable that runs without Node", load: () => import("./build.ts") },
  { name: "inspect", summary: "show what an image is and what it needs", load: () => import("./inspect.ts") },
  { name: "bench", summary: "measure what each kind of isolation costs here", load: () => import("./bench.ts") },
  { name: "doctor", summary: "show what this host offers, and mend what it lacks", load: () => import("./doctor.ts") },
];

/** Exit status of Skiff itself for a user's mistake or a refusal of the host; the guest's own status otherwise. */
export const FAILURE_STATUS = 1;

/**
 * Runs the command line.
 * @param args the words after `skiff`.
 * @returns the exit status.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  const words = expandHelp(args);
  const entry = findCommand(words[0]);
  try {
    const program = await makeProgram(entry);
    await program.parseAsync(words, { from: "user" });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    return report(error);
  }
}

function findCommand(name: string | undefined): CommandEntry | undefined {
  return COMMANDS.find((candidate) => candidate.name === name);
}

/** `help run` as `run --help`, and `help rnu` as `rnu`, whose refusal suggests `run`: Commander gives the general help. */
function expandHelp(args: readonly string[]): readonly string[] {
  const [first, asked] = args;
  if (first !== "help" || asked === undefined) return args;
  return findCommand(asked) === undefined ? [asked] : [asked, "--help"];
}

async function makeProgram(entry: CommandEntry | undefined): Promise<Command> {
  const program = new Command("skiff")
    .description("Run a program in the lightest sandbox that fits it.")
    .version(VERSION, "-V, --version", "print Skiff's version")
    .enablePositionalOptions()
    .addHelpText("after", HELP_EXAMPLES);
  for (const candidate of COMMANDS) {
    if (candidate === entry) program.addCommand((await candidate.load()).command());
    else program.command(candidate.name).description(candidate.summary);
  }
  return prepare(program);
}

function prepare(command: Command): Command {
  for (const inner of command.commands) prepare(inner);
  return command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: print, outputError: (text, write) => write(mistakeLine(command, text)) });
}

/** Commander's complaint, e.g. `error: unknown option '--mme'` with a suggestion below it, as one line with the mend. */
function mistakeLine(command: Command, text: string): string {
  const complaint = text
    .replace(/^error: /, "")
    .trim()
    .replaceAll("\n", " ")
    .replace(/\.(?=$| \()/, "");
  return `skiff: ${complaint}; ${fullName(command)} --help shows what there is\n`;
}

/** e.g. `skiff bench compare`. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** Of the errors whose message is one line. A command can be a bundle of its own, with these classes of its own. */
const ONE_LINE_ERRORS: ReadonlySet<string> = new Set(["ImageError", "HostError", "UsageError", "LostThreadError"]);

/** Writes the one line that an error deserves; a defect of Skiff's own gets its stack. */
export function report(error: unknown, name = "skiff"): number {
  // Commander's, which has written its own line.
  if (error instanceof Error && "exitCode" in error && typeof error.exitCode === "number") return error.exitCode;
  if (error instanceof Error && ONE_LINE_ERRORS.has(error.name)) {
    writeSync(2, `${name}: ${oneLine(error.message)}\n`);
  } else {
    writeSync(2, `${name}: a defect in Skiff, please report it:\n${error instanceof Error ? error.stack : error}\n`);
  }
  return FAILURE_STATUS;
}

/** File names and words of the user's may hold line breaks and other control characters. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

const HELP_EXAMPLES = `
Examples:
  skiff run guests/images/x86_64/hello.spt          run a unikernel in a sandboxed process
  skiff inspect guests/images/x86_64/hello.spt      show its devices, segments and memory
  skiff build hello.spt -o hello && ./hello         an executable that needs no Node
  skiff doctor                                      what can this host run?

Exit status: the guest's own; 1 with one line for a mistake or a refusal; 128 + N where signal N ended the guest.`;
