import { keepCapabilities } from "../host/capability.ffi.ts";
import { HostError } from "../host/error.ts";
import { execve, setCloseOnExec } from "../host/libc.ffi.ts";
import { findProgram, runProgram } from "../host/probe/program.ts";

/** Set for the process that runs in the user namespace. */
const MARK = "SKIFF_BENCH_USER_NAMESPACE";
/** With a network namespace to come back to: into one that is not the user namespace's own no thread can return. */
const NAMESPACES = ["--user", "--map-current-user", "--keep-caps", "--net"];
const LIMIT_MS = 2_000;

/**
 * Lets an ordinary user make the lab's network: where this process may make no network namespace, but may inside a user
 * namespace, it is replaced by itself in one, as the same user. What the lab starts there has no more rights than
 * elsewhere. Where the kernel allows neither, the lab goes without network, and says so.
 */
export async function takeNetworkRights(): Promise<void> {
  if (process.env[MARK] !== undefined) {
    delete process.env[MARK];
    return keepCapabilities();
  }
  const [unshare, ip] = [findProgram("unshare"), findProgram("ip")];
  if (unshare === undefined || ip === undefined) return;
  // As both commands say: namespaces of which an administrator forbids the use can still be made.
  const canUse = async (...words: string[]) =>
    (await runProgram(unshare, [...words, ip, "link", "set", "lo", "up"], LIMIT_MS)).status === 0;
  if ((await canUse("--net")) || !(await canUse(...NAMESPACES))) return;
  const words = [unshare, ...NAMESPACES, "--", process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const environment = Object.entries({ ...process.env, [MARK]: "1" }).map(([name, value]) => `${name}=${value}`);
  for (const descriptor of [0, 1, 2]) setCloseOnExec(descriptor, false);
  try {
    execve(unshare, words, environment);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
}
