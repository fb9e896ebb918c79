import type { Security } from "../target/target.ts";

/** What a target leaves the workload, as the columns of a table. */
export const SECURITY_HEAD = [
  "kernel",
  "host's system calls",
  "own namespaces",
  "capabilities",
  "no new rights",
  "note",
] as const;

const KERNELS: Readonly<Record<Security["kernel"], string>> = {
  host: "the host's",
  own: "its own",
  between: "a program between",
};

/** Longer lists of capabilities are told by their number. */
const CAPABILITIES_LISTED_MAX = 12;

/** Plain text, one for each of `SECURITY_HEAD`. */
export function securityWords(security: Security | null): string[] {
  if (security === null) return SECURITY_HEAD.map(() => "not known");
  const { kernel, systemCalls, namespaces, capabilities, noNewPrivileges, note } = security;
  const list = (names: readonly string[] | null) =>
    names === null ? "not known" : names.length === 0 ? "none" : names.join(", ");
  const many = capabilities !== null && capabilities.length > CAPABILITIES_LISTED_MAX;
  return [
    KERNELS[kernel],
    systemCalls === null ? "not known" : String(systemCalls),
    list(namespaces),
    many ? `${capabilities.length}` : list(capabilities),
    noNewPrivileges === null ? "not known" : noNewPrivileges ? "yes" : "no",
    note ?? "",
  ];
}
