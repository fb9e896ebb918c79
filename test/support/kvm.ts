import { accessSync, constants, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Need } from "./needs.ts";

/** A KVM, real or emulated. */
export const kvm: Need = {
  lack: () => {
    try {
      accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
      return undefined;
    } catch {
      return "/dev/kvm: node dist/skiff.cjs doctor says how to get it";
    }
  },
};

/** `ppoll`, in which Skiff waits for a guest that waits. */
const WAIT_CALL = process.arch === "arm64" ? "73" : "271";
const LOOK_AGAIN_MS = 2;
const WAIT_LIMIT_MS = 20_000;

/** Resolves once the process waits for its guest's frames or deadline; rejects where it does not come to it. */
export async function untilGuestWaits(pid: number): Promise<void> {
  const end = Date.now() + WAIT_LIMIT_MS;
  while (Date.now() < end) {
    if (readFileSync(`/proc/${pid}/syscall`, "utf8").startsWith(`${WAIT_CALL} `)) return;
    await setTimeout(LOOK_AGAIN_MS);
  }
  throw new Error(`process ${pid} does not wait for its guest`);
}
