import { asRoot, type Lack } from "./lack.ts";
import { findProgram, runProgram } from "./program.ts";
import { type ReadText, readSysctl, readText } from "./text.ts";

/**
 * - `direct`: this process may make one as it is;
 * - `nested`: it may inside a user namespace that it makes first;
 * - `none`: it may not;
 * - `unknown`: there is no unshare(1) to try it with.
 */
export type NamespaceRight = "direct" | "nested" | "none" | "unknown";

export interface NamespaceFacts {
  /** Never `nested`. */
  readonly user: NamespaceRight;
  readonly mount: NamespaceRight;
  readonly net: NamespaceRight;
  readonly pid: NamespaceRight;
  /** Kernel parameters at the values that stand in the way, e.g. `user.max_user_namespaces=0`. */
  readonly restrictions: readonly string[];
}

const LIMIT_MS = 2000;

/** Really makes each kind, in a process of its own that ends at once: parameters alone do not tell what a container's policy forbids. */
export async function probeNamespaces(read: ReadText = readText): Promise<NamespaceFacts> {
  const restrictions = findRestrictions(read);
  const unshare = findProgram("unshare");
  if (unshare === undefined) {
    return { user: "unknown", mount: "unknown", net: "unknown", pid: "unknown", restrictions };
  }
  const makes = async (...flags: string[]) => (await runProgram(unshare, [...flags, "true"], LIMIT_MS)).status === 0;
  const right = async (...flags: string[]): Promise<NamespaceRight> => {
    if (await makes(...flags)) return "direct";
    return (await makes("--user", "--map-root-user", ...flags)) ? "nested" : "none";
  };
  const [user, mount, net, pid] = await Promise.all([
    makes("--user", "--map-root-user"),
    right("--mount"),
    right("--net"),
    right("--pid", "--fork"),
  ]);
  return { user: user ? "direct" : "none", mount, net, pid, restrictions };
}

/** Parameters that restrict namespaces: all kernels', Debian's and Ubuntu's own, each with the value that lets them be made. */
const PARAMETERS: readonly { readonly name: string; readonly restricts: string; readonly mended: string }[] = [
  { name: "user.max_user_namespaces", restricts: "0", mended: "10000" },
  { name: "user.max_mnt_namespaces", restricts: "0", mended: "10000" },
  { name: "user.max_net_namespaces", restricts: "0", mended: "10000" },
  { name: "user.max_pid_namespaces", restricts: "0", mended: "10000" },
  { name: "kernel.unprivileged_userns_clone", restricts: "0", mended: "1" },
  { name: "kernel.apparmor_restrict_unprivileged_userns", restricts: "1", mended: "0" },
];

export function findRestrictions(read: ReadText): string[] {
  return PARAMETERS.filter(({ name, restricts }) => readSysctl(name, read) === restricts).map(
    ({ name, restricts }) => `${name}=${restricts}`,
  );
}

export function namespaceLacks(namespaces: NamespaceFacts): Lack[] {
  const kinds = ["user", "mount", "net", "pid"] as const;
  if (kinds.every((kind) => namespaces[kind] === "unknown")) {
    return [
      {
        subject: "namespaces",
        reason: "there is no unshare to try them with",
        mend: [asRoot("apt-get install util-linux")],
      },
    ];
  }
  const refused = kinds.filter((kind) => namespaces[kind] === "none");
  if (refused.length === 0) return [];
  const mend = PARAMETERS.filter(({ name, restricts }) => namespaces.restrictions.includes(`${name}=${restricts}`)).map(
    ({ name, mended }) => asRoot(`sysctl -w ${name}=${mended}`),
  );
  const reason = `this user may make no ${refused.join(", ")} namespace`;
  return [
    { subject: "namespaces", reason: mend.length > 0 ? reason : `${reason}: a container's policy may forbid it`, mend },
  ];
}
