import { echoServer, linkOf, untilEchoes } from "./echo.ts";
import type { Workload } from "./workload.ts";

const NS_PER_MS = 1e6;

/** How long a server takes until it is of use. */
export const FIRST_ANSWER: Workload = {
  name: "first-answer",
  title: "Start to first answered request",
  description:
    "From the execution of the command to the first byte that the kit's echo server sends back over UDP, by the lab's clock; it is asked every two milliseconds at least.",
  metrics: [{ name: "first-answer", title: "exec to first answer", unit: "ms", better: "lower", compared: true }],
  quick: false,
  network: true,
  program: () => echoServer(),
  sample: async (taking) => {
    const started = await taking.start();
    const answeredNs = await untilEchoes(taking, linkOf(started));
    return { "first-answer": Number(answeredNs - started.instance.startedNs) / NS_PER_MS };
  },
};
