import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostProgram } from "../program.ts";
import type { Workbench } from "../workbench.ts";
import { lackOfProgram, pathOf } from "./installed.ts";
import type { Workload } from "./workload.ts";
import { sampleWrk, WRK_METHOD, WRK_METRICS } from "./wrk.ts";

const PORT = 8080;
const PAGE_BYTES = 4096;
/** nginx wants a place for each of these, though it serves files alone. */
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
/** It looks up the user that it is told to be. */
const USERS = ["/etc/passwd", "/etc/group"];

/** The server that the studies took. */
export const NGINX: Workload = {
  name: "nginx",
  title: "nginx",
  description: `Debian's wrk asks Debian's nginx, one process, for a file of 4 KiB: ${WRK_METHOD}`,
  metrics: WRK_METRICS,
  quick: false,
  network: true,
  lack: async () => lackOfProgram("nginx", "nginx-light") ?? lackOfProgram("wrk", "wrk"),
  program: (_scale, bench) => nginxProgram(bench),
  sample: (taking) => sampleWrk(taking, PORT),
};

function nginxProgram(bench: Workbench): HostProgram & { readonly port: number } {
  const folder = bench.folder("nginx");
  // In a user namespace the server may be nobody.
  chmodSync(folder, 0o755);
  const [config, page, writes] = ["nginx.conf", "index.html", "writes"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(config, nginxConfig(folder, writes));
  writeFileSync(page, "x".repeat(PAGE_BYTES));
  return {
    kind: "host",
    name: "nginx",
    path: pathOf("nginx"),
    args: ["-e", "stderr", "-c", config],
    reads: [config, page, ...USERS],
    writes,
    memoryMib: 64,
    port: PORT,
  };
}

/** One process in the foreground; a container's user may not be free to change users for a worker. */
function nginxConfig(root: string, writes: string): string {
  return `user root root;
daemon off;
master_process off;
error_log stderr;
pid ${writes}/nginx.pid;
events {}
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  default_type text/html;
${TEMPORARY.map((name) => `  ${name}_temp_path ${writes}/${name};`).join("\n")}
  server {
    listen ${PORT};
    root ${root};
  }
}
`;
}
