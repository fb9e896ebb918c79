import { spawnSync } from "node:child_process";
import { INSIDE_NAMESPACE } from "./support/namespace.ts";

type Benchmark = { readonly run: (options: readonly string[]) => Promise<void> | void };

// npm run bench -- [NAME…]: runs the benchmarks, one after another; without a name all of them.
// npm run bench -- NAME --OPTION…: runs one with its own options.
const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  start: () => import("./start.ts"),
  command: () => import("./command.ts"),
  idle: () => import("./idle.ts"),
  compute: () => import("./compute.ts"),
  serve: () => import("./serve.ts"),
  exits: () => import("./exits.ts"),
  "kvm-start": () => import("./kvm-start.ts"),
  "kvm-idle": () => import("./kvm-idle.ts"),
  "kvm-hold": () => import("./kvm-hold.ts"),
  ring: () => import("./ring.ts"),
  emulator: () => import("./emulator.ts"),
};

// It would add some 50 ms to every start of Node.
delete process.env["NODE_EXTRA_CA_CERTS"];
const words = process.argv.slice(2);
const ownOptions = words[1]?.startsWith("--") === true ? words.splice(1) : [];
const names = words.length > 0 ? words : Object.keys(BENCHMARKS);
const unknown = names.find((name) => BENCHMARKS[name] === undefined);
if (unknown !== undefined) {
  console.error(`there is no benchmark '${unknown}'; there are ${Object.keys(BENCHMARKS).join(", ")}`);
  process.exit(1);
}
const [only = ""] = names;
if (names.length === 1) {
  if (!INSIDE_NAMESPACE) console.log(`${only}:`);
  await (await BENCHMARKS[only]?.())?.run(ownOptions);
} else {
  // Each in a process of its own: one pins itself to a core, another leaves for a network namespace.
  for (const name of names) {
    const { status } = spawnSync(process.execPath, [process.argv[1] ?? "", name], { stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
}
