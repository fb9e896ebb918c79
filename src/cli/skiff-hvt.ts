import { runHvtTender } from "./hvt-tender.ts";

runHvtTender(process.argv[1] ?? "skiff-hvt", process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
