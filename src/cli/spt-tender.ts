import { basename } from "node:path";
import { SPT_ABI_VERSION } from "../abi/spt.ts";
import { executableMemfd, replaceProcess, standardFlags } from "../host/replace-process.ts";
import { executableForThisHost } from "../monitor/process-machine.ts";
import { readImage, readOptions, refuse, type Tender, TenderExit, usage, version, warn } from "./tender.ts";
import { splitArguments } from "./tender-arguments.ts";

/**
 * `skiff-spt`: the options, exit statuses and messages of Solo5's `solo5-spt` (v0.12, `tenders/spt/`), for programs that
 * start it. Returns an exit status, or not at all: the guest replaces the process.
 */
export function runTender(program: string, words: readonly string[]): number {
  const flags = standardFlags();
  const name = basename(program).replace(/\.cjs$/, "");
  const tender: Tender = {
    name,
    abi: "spt",
    abiVersion: SPT_ABI_VERSION,
    usage: ["--x-exec-heap                           make heap and stack executable (dangerous)"],
  };
  try {
    const command = splitArguments(words);
    if (command.action === "help") return usage(tender);
    if (command.action === "version") return version(tender);
    if (command.action === "missing kernel") throw new TenderExit(["Missing KERNEL operand"], true);
    const image = readImage(tender, command.kernel);
    let executableHeap = false;
    const { devices, memoryMib } = readOptions(image, command.options, (word) => {
      if (!word.startsWith("--x-exec-heap")) return false;
      warn(name, "WARNING: --x-exec-heap makes the guest's heap and stack executable; that is dangerous");
      executableHeap = true;
      return true;
    });
    const executable = executableForThisHost({
      image,
      memoryMib,
      devices,
      name: basename(command.kernel),
      speaker: name,
      executableHeap,
    });
    replaceProcess(
      executableMemfd(basename(command.kernel), executable),
      [command.kernel, ...command.guestArguments],
      devices.map((device) => device.descriptor),
      flags,
    );
  } catch (error) {
    return refuse(tender, error);
  }
}
