import { asRoot, type Lack } from "./lack.ts";
import { type ReadText, readText } from "./text.ts";

export interface CgroupFacts {
  /** Version of the hierarchy that holds the controllers; null where none is mounted. */
  readonly version: 1 | 2 | null;
  /** Controllers that processes can be put under. */
  readonly controllers: readonly string[];
  /** With version 1: where version 2 is mounted beside it, without controllers; null elsewhere. */
  readonly unifiedPath: string | null;
}

interface Mount {
  readonly path: string;
  readonly type: string;
  readonly superOptions: readonly string[];
}

export function probeCgroup(read: ReadText = readText): CgroupFacts {
  const mounts = parseMounts(read("/proc/self/mountinfo") ?? "");
  const unified = mounts.find((mount) => mount.type === "cgroup2");
  const controllersV1 = new Set<string>();
  const known = knownControllers(read("/proc/cgroups") ?? "");
  for (const mount of mounts) {
    if (mount.type !== "cgroup") continue;
    for (const option of mount.superOptions) if (known.has(option)) controllersV1.add(option);
  }
  if (controllersV1.size > 0) {
    return { version: 1, controllers: [...controllersV1].sort(), unifiedPath: unified?.path ?? null };
  }
  if (unified === undefined) return { version: null, controllers: [], unifiedPath: null };
  const listed = read(`${unified.path}/cgroup.controllers`)?.trim() ?? "";
  return { version: 2, controllers: listed === "" ? [] : listed.split(" ").sort(), unifiedPath: null };
}

/** Lines of /proc/self/mountinfo (proc(5)): fields, optional fields, ` - `, type, source, options of the file system. */
function parseMounts(mountinfo: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.split("\n")) {
    const [before, after] = line.split(" - ");
    const path = before?.split(" ")[4];
    const [type, , superOptions] = after?.split(" ") ?? [];
    if (path === undefined || type === undefined) continue;
    mounts.push({ path, type, superOptions: superOptions?.split(",") ?? [] });
  }
  return mounts;
}

/** Names in /proc/cgroups (cgroups(7)): one controller a line, after a line that begins with #. */
function knownControllers(table: string): Set<string> {
  const names = new Set<string>();
  for (const line of table.split("\n")) {
    const name = line.split("\t")[0];
    if (name !== undefined && name !== "" && !name.startsWith("#")) names.add(name);
  }
  return names;
}

export function cgroupLacks(cgroup: CgroupFacts): Lack[] {
  if (cgroup.version !== null) return [];
  const mend = [asRoot("mount -t cgroup2 none /sys/fs/cgroup")];
  return [{ subject: "cgroup", reason: "no hierarchy is mounted", mend }];
}
