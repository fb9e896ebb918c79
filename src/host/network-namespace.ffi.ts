import { closeSync, constants, openSync } from "node:fs";
import koffi from "koffi";
import { HostError } from "./error.ts";

// Linux include/uapi/linux/sched.h.
const CLONE_NEWNET = 0x4000_0000;
const OWN_NAMESPACE = "/proc/thread-self/ns/net";

const libc = koffi.load(null);
const setns = libc.func("int setns(int, int)");
const unshare = libc.func("int unshare(int)");

/** A network namespace, held by a descriptor of this process: it goes with the descriptor and its last process. */
export interface NetworkNamespace {
  /** A path by which any process can open it while this one holds it, e.g. `/proc/1234/fd/17`. */
  readonly path: string;
  /**
   * Calls `action` with this thread in the namespace: the sockets and taps that it opens belong there, and so do the
   * processes that it starts. It must do so before it returns: of a promise, only what lies before the first wait.
   */
  readonly inside: <Result>(action: () => Result) => Result;
  readonly close: () => void;
}

/** The namespace in which this thread is. */
export function ownNetworkNamespace(): NetworkNamespace {
  return held(openSync(OWN_NAMESPACE, constants.O_RDONLY));
}

/**
 * Makes a namespace, with nothing in it but a loopback that is down.
 * @throws HostError where this process may not make one (`EPERM`: it needs CAP_SYS_ADMIN).
 */
export function makeNetworkNamespace(): NetworkNamespace {
  const home = openSync(OWN_NAMESPACE, constants.O_RDONLY);
  try {
    if (unshare(CLONE_NEWNET) !== 0) throw new HostError("unshare", koffi.errno(), "network namespace");
    try {
      return held(openSync(OWN_NAMESPACE, constants.O_RDONLY));
    } finally {
      enter(home);
    }
  } finally {
    closeSync(home);
  }
}

function held(descriptor: number): NetworkNamespace {
  return {
    path: `/proc/${process.pid}/fd/${descriptor}`,
    inside: (action) => {
      const before = openSync(OWN_NAMESPACE, constants.O_RDONLY);
      try {
        enter(descriptor);
        try {
          return action();
        } finally {
          enter(before);
        }
      } finally {
        closeSync(before);
      }
    },
    close: () => closeSync(descriptor),
  };
}

function enter(descriptor: number): void {
  if (setns(descriptor, CLONE_NEWNET) !== 0) throw new HostError("setns", koffi.errno(), "network namespace");
}
