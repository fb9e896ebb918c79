import { writeSync } from "node:fs";

/** Writes to standard output; a reader that has left, as in `skiff … | head -1`, is no error, a full disk is. */
export function print(text: string): void {
  if (!process.stdout.listeners("error").includes(stop)) process.stdout.on("error", stop);
  process.stdout.write(text);
}

function stop(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  writeSync(2, `skiff: standard output could not be written (${error.code}); free its disk or send it elsewhere\n`);
  process.exit(1);
}

/** Colour on a terminal that has it, unless the user asks for none (no-color.org). */
export function wantsColour(): boolean {
  const { NO_COLOR = "", TERM } = process.env;
  return process.stdout.isTTY && NO_COLOR === "" && TERM !== "dumb";
}
