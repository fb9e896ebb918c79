import type { GuestFault } from "../engine.ts";
import { EXIT, EXIT_FAIL_ENTRY, EXIT_INTERNAL_ERROR, EXIT_MMIO, RUN } from "./numbers.ts";

/** What the guest did, by the exits that are the same on both architectures. */
export function describeExit(run: DataView): GuestFault {
  const reason = run.getUint32(RUN.exitReason, true);
  switch (reason) {
    case EXIT.mmio: {
      const length = run.getUint32(RUN.exit + EXIT_MMIO.length, true);
      return {
        what: `an access of ${length} bytes outside its memory`,
        address: run.getBigUint64(RUN.exit + EXIT_MMIO.address, true),
        access: run.getUint8(RUN.exit + EXIT_MMIO.isWrite) === 0 ? "read" : "write",
      };
    }
    case EXIT.halt:
      return { what: "a halt of its processor, which nothing wakes" };
    case EXIT.shutdown:
      return { what: "a shutdown of its processor" };
    case EXIT.systemEvent:
      return { what: "a request to its firmware to turn off" };
    case EXIT.internalError: {
      const suberror = run.getUint32(RUN.exit + EXIT_INTERNAL_ERROR.suberror, true);
      return { what: `an instruction that this host's KVM cannot run (suberror ${suberror})` };
    }
    case EXIT.failEntry: {
      const hardwareReason = run.getBigUint64(RUN.exit + EXIT_FAIL_ENTRY.reason, true);
      return { what: `a state that the processor does not take (reason 0x${hardwareReason.toString(16)})` };
    }
    default:
      return { what: `an exit ${reason} of KVM's, which the ABI has not` };
  }
}
