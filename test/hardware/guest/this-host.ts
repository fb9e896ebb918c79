import { readFileSync } from "node:fs";
import type { HostDescription } from "../host.ts";

/** The description of the host that the tests run in. */
export function thisHost(): HostDescription {
  return JSON.parse(readFileSync("/skiff/host.json", "utf8"));
}
