import { execFileSync } from "node:child_process";
import { keepCapabilities, lendCapabilities } from "../../src/host/capability.ffi.ts";

/** Tells the rights that programs get that are started before, in the midst of, and after lending them. */
const rights = () =>
  /CapEff:\s*0*([0-9a-f]+)/.exec(execFileSync("cat", ["/proc/self/status"], { encoding: "utf8" }))?.[1];

keepCapabilities();
console.log(JSON.stringify([rights(), lendCapabilities(rights), rights()]));
