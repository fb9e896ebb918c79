import { KERNELS, type Kernel } from "./kernels.ts";

export interface Options {
  readonly kernels: readonly Kernel[];
  readonly isQuick: boolean;
}

/** `--kernel NAME` (any number of them) and `--quick`. @returns what is wrong, in one line, where something is. */
export function parseOptions(words: readonly string[]): Options | string {
  const named: Kernel[] = [];
  let isQuick = false;
  for (const [index, word] of words.entries()) {
    if (word === "--quick") isQuick = true;
    else if (words[index - 1] === "--kernel") {
      const kernel = KERNELS.find((name) => name === word);
      if (kernel === undefined) return `there is no kernel '${word}'; there are ${KERNELS.join(", ")}`;
      named.push(kernel);
    } else if (word !== "--kernel" || index === words.length - 1) {
      return `${word} is not understood here; give it --kernel NAME or --quick`;
    }
  }
  return { kernels: KERNELS.filter((kernel) => named.length === 0 || named.includes(kernel)), isQuick };
}
