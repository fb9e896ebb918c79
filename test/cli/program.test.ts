import { describe, expect, it } from "vitest";
import { shell } from "../support/command.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { bundledSkiff, mistake } from "./bundled-skiff.ts";

const folder = temporaryFolder();
const skiff = bundledSkiff();

describe.each([["--help"], ["--version"], ["run --help"], ["help build"]])("skiff %s", (words) => {
  const command = () => ["bash", ...skiff.command(), ...words.split(" ")];

  it("ends quietly when nobody reads what it writes", () => {
    // The reader of the FIFO is gone before Skiff starts.
    const script = `mkfifo "${folder}/fifo" && exec 3<>"${folder}/fifo" 4>"${folder}/fifo" 3>&- && rm "${folder}/fifo" && exec "$@" >&4`;
    expect(shell(script, command())).toEqual({ end: 0, stdout: "", stderr: "" });
  });

  it("tells of a full disk", () => {
    const line = "standard output could not be written (ENOSPC); free its disk or send it elsewhere";
    expect(shell('exec "$@" >/dev/full', command())).toEqual(mistake(line));
  });
});
