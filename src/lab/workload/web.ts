import { lackOfProgram } from "./installed.ts";
import type { Workload } from "./workload.ts";
import { sampleWrk, WRK_METHOD, WRK_METRICS } from "./wrk.ts";

const PORT = 8080;

/** What `nginx` measures of nginx, of a server that unikernels can run, too. */
export const WEB: Workload = {
  name: "web",
  title: "Web server",
  description: `Debian's wrk asks the kit's web server for a page of 4 KiB: ${WRK_METHOD}`,
  metrics: WRK_METRICS,
  quick: false,
  network: true,
  lack: async () => lackOfProgram("wrk", "wrk"),
  program: () => ({ kind: "kit", name: "httpd", args: [`--port=${PORT}`], memoryMib: 64, port: PORT }),
  sample: (taking) => sampleWrk(taking, PORT),
};
