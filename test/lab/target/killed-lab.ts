import { dirname } from "node:path";
import { loadProbeLibc } from "../../../src/host/probe/libc.ffi.ts";
import { probeHost } from "../../../src/host/probe/manifest.ts";
import { makeWorkbench } from "../../../src/lab/make-workbench.ts";
import { TARGETS } from "../../../src/lab/target/registry.ts";

/** A lab that starts one endless instance on the target that is named, tells its processes, and waits to be killed. */
const { bench } = makeWorkbench(await probeHost(await loadProbeLibc()), "0.0.0");
const probed = await TARGETS.find(({ name }) => name === process.argv[2])?.probe(bench);
if (!probed?.available) throw new Error(probed?.reason ?? "no such target");
const program = { kind: "kit", name: "prime", args: ["100000000"], memoryMib: 16 } as const;
const launcher = await probed.prepare(program, undefined, bench);
const instance = await launcher.start({ cores: bench.cores.servers });
await instance.exited(500).catch(() => undefined);
console.log(JSON.stringify({ lab: process.pid, instance: instance.pids(), folder: dirname(bench.folder("last")) }));
setInterval(() => {}, 1000);
