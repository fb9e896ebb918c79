import { constants } from "node:os";

const NAME_BY_ERRNO = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno as number, name]));

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
    const code = NAME_BY_ERRNO.get(errno) ?? `errno ${errno}`;
    super(`${subject === "" ? "" : `${subject}: `}${call} failed with ${code}`);
    this.call = call;
    this.errno = errno;
    this.code = code;
  }
}
