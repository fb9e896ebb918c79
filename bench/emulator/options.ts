import { parseArgs } from "node:util";
import { KERNELS, type Kernel } from "./kernels.ts";

export interface Options {
  readonly kernels: readonly Kernel[];
  readonly isQuick: boolean;
}

/** `--kernel NAME` (any number of them) and `--quick`. @throws on anything else. */
export function parseOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: { kernel: { type: "string", multiple: true }, quick: { type: "boolean" } },
  });
  const named = values.kernel ?? [];
  const unknown = named.find((name) => !KERNELS.some((kernel) => kernel === name));
  if (unknown !== undefined) throw new Error(`there is no kernel '${unknown}'; there are ${KERNELS.join(", ")}`);
  const kernels = named.length === 0 ? KERNELS : KERNELS.filter((kernel) => named.includes(kernel));
  return { kernels, isQuick: values.quick ?? false };
}
