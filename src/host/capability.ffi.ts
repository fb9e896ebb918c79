import { readFileSync } from "node:fs";
import koffi from "koffi";

// Linux include/uapi/linux/prctl.h.
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;

const libc = koffi.load(null);
const prctl = libc.func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)");

/** From now on this thread's rights stay its own: programs that it starts get none by inheritance (capabilities(7)). */
export function keepCapabilities(): void {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/**
 * Calls `action`, whose programs get the rights that this thread may hand on; root's programs have theirs in any case.
 * Programs must be started before it returns.
 */
export function lendCapabilities<Result>(action: () => Result): Result {
  const inheritable = inheritableCapabilities();
  if (inheritable.length === 0) return action();
  for (const capability of inheritable) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
  try {
    return action();
  } finally {
    keepCapabilities();
  }
}

function inheritableCapabilities(): number[] {
  const mask = /^CapInh:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/thread-self/status", "latin1"))?.[1] ?? "0";
  const bits = [...BigInt(`0x${mask}`).toString(2)].reverse();
  return bits.flatMap((bit, capability) => (bit === "1" ? [capability] : []));
}
