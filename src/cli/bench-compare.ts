import { Command } from "commander";
import { type Basis, compareResults, worseThan } from "../lab/report/compare.ts";
import { comparisonText } from "../lab/report/compare-text.ts";
import { count } from "../lab/report/number.ts";
import { readAnyResult } from "../lab/report/stored-result.ts";
import { UsageError } from "../monitor/error.ts";
import { parseBasis, parseThreshold } from "./bench-options.ts";
import { print, wantsColour } from "./print.ts";

interface CompareArguments {
  readonly threshold?: number;
  readonly by?: Basis;
}

/** `skiff bench compare`, below `bench`. */
export function compareCommand(): Command {
  return new Command("compare")
    .summary("tell two results apart")
    .description("Tell two results apart: the same machine before and after a change, or two machines.")
    .argument("<first>", "folder that skiff bench wrote, or a report.json of one")
    .argument("<second>", "the like, measured later or elsewhere")
    .option("--threshold <PERCENT>", "exit with 1 where a row surely lost more than that, e.g. 5%", parseThreshold)
    .option("--by <BASIS>", "value: the numbers; cost: the ratios to native; by the machines unless given", parseBasis)
    .addHelpText("after", HELP)
    .action(compare);
}

const HELP = `
On the same kind of machine the numbers are compared as they are, otherwise their ratios to native, since one machine may
be faster as a whole. A row has changed only where the whole 95 % interval of the change lies outside of what native
against native differs by, and outside 2 %. Each row has that interval: of twenty, one may be wrong.

Examples:
  skiff bench compare before after
  skiff bench compare before after --threshold 5%
  skiff bench compare board-a/report.json board-b/report.json --by cost

Exit status: 0 where both could be read; 1 with one line for a mistake, and with --threshold where a row is worse by
more than that with its whole interval, or has no number any more, or no row is in both.`;

function compare(firstPath: string, secondPath: string, args: CompareArguments, command: Command): void {
  const stray = Object.keys(command.parent?.opts() ?? {})[0];
  if (stray !== undefined) throw new UsageError(`--${stray} is not for compare; leave it out`);
  const [first, second] = [readAnyResult(firstPath), readAnyResult(secondPath)];
  const result = compareResults(first, second, args.by);
  print(comparisonText(result, { colour: wantsColour() }));
  const { threshold } = args;
  if (threshold === undefined) return;
  const worse = worseThan(result, threshold);
  const titles = [...worse.map(({ title }) => title), ...result.lost];
  const percent = `${Number((threshold * 100).toFixed(3))} %`;
  if (titles.length > 0) {
    throw new UsageError(`${count(titles.length, "row")} worse by more than ${percent}: ${titles.join("; ")}`);
  }
  if (result.changes.length === 0) throw new UsageError("no row is in both results; measure the same workloads");
}
