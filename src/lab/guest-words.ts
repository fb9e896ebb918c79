import type { Link } from "./network.ts";
import type { Program } from "./program.ts";

/** The words of a guest's command line; without a link yet, with places for what it gives. */
export function guestWords(program: Program, link: Link | "places" | undefined): string[] {
  if (link === undefined) return [...program.args];
  const ip = link === "places" ? "<ip>" : link.serverAddress;
  const address = link === "places" ? "<address>" : `${ip}/${link.prefixBits}`;
  if (program.kind === "kit") return [`--ipv4=${address}`, ...program.args];
  return program.args.map((word) => word.replaceAll("<address>", address).replaceAll("<ip>", ip));
}
