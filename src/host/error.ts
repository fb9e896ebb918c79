import { getSystemErrorName } from "node:util";

/** What the host refused: the call, what it was asked for, and the error number (errno(3)). */
export class HostError extends Error {
  override readonly name = "HostError";
  /** The system call or ioctl, e.g. `memfd_create`. */
  readonly call: string;
  readonly errno: number;
  /** The error's name, e.g. `EPERM`; `errno 999` where this host has no name for it. */
  readonly code: string;

  /** @param subject what the call was for, e.g. `tap0`; empty where there is nothing to say. */
  constructor(call: string, errno: number, subject = "") {
    const code = errorName(errno);
    super(`${subject === "" ? "" : `${subject}: `}${call} failed with ${code}`);
    this.call = call;
    this.errno = errno;
    this.code = code;
  }
}

/** libuv knows the names of the common ones, by negative numbers; of others it says so or throws. */
function errorName(errno: number): string {
  try {
    const name = getSystemErrorName(-errno);
    return /^E[A-Z0-9]+$/.test(name) ? name : `errno ${errno}`;
  } catch {
    return `errno ${errno}`;
  }
}
