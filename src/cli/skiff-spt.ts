import { runTender } from "./spt-tender.ts";

process.exitCode = runTender(process.argv[1] ?? "skiff-spt", process.argv.slice(2));
