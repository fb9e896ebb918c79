import { closeSync, constants, openSync } from "node:fs";
import koffi from "koffi";

/** Linux include/uapi/linux/sched.h. */
const CLONE_NEWNET = 0x4000_0000;

const setns = koffi.load(null).func("int setns(int, int)");

function enter(descriptor: number, path: string): void {
  if (setns(descriptor, CLONE_NEWNET) !== 0) throw new Error(`setns to ${path} failed with errno ${koffi.errno()}`);
}

/**
 * Calls `action` with this thread in the network namespace of that file: what it opens belongs there, and so do the
 * processes that it starts. It must do so before it returns: where it gives a promise, only up to its first wait.
 */
export function inNetworkNamespace<Result>(path: string, action: () => Result): Result {
  const home = openSync("/proc/thread-self/ns/net", constants.O_RDONLY);
  try {
    const there = openSync(path, constants.O_RDONLY);
    try {
      enter(there, path);
      return action();
    } finally {
      enter(home, "the first namespace");
      closeSync(there);
    }
  } finally {
    closeSync(home);
  }
}
