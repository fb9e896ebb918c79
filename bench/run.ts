import { INSIDE_NAMESPACE } from "./support/namespace.ts";

// npm run bench -- [NAME…]: runs the benchmarks, one after another; without a name all of them.
const BENCHMARKS: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<void> | void }>>> = {
  start: () => import("./start.ts"),
  command: () => import("./command.ts"),
  idle: () => import("./idle.ts"),
  compute: () => import("./compute.ts"),
  serve: () => import("./serve.ts"),
};

// It would add some 50 ms to every start of Node.
delete process.env["NODE_EXTRA_CA_CERTS"];
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHMARKS);
for (const name of names) {
  const load = BENCHMARKS[name];
  if (load === undefined) {
    console.error(`there is no benchmark '${name}'; there are ${Object.keys(BENCHMARKS).join(", ")}`);
    process.exit(1);
  }
  if (!INSIDE_NAMESPACE) console.log(`${name}:`);
  await (await load()).run();
}
