/** How a guest ended: by a status of its own, or by a signal (SIGSEGV: memory protection, SIGSYS: forbidden call). */
export type ExitStatus =
  | { readonly status: number; readonly signal: undefined }
  | { readonly status: undefined; readonly signal: NodeJS.Signals };

/** What a runner tells of its guest. */
export interface RunnerEvents {
  readonly console: (bytes: Uint8Array) => void;
  readonly diagnostic: (text: string) => void;
  /** Last, and once; or `failed`. */
  readonly exit: (exit: ExitStatus) => void;
  /** The guest could not be started, or could not go on by no fault of its own. */
  readonly failed: (error: unknown) => void;
}

/** A guest that is ready to be run by its engine. */
export interface Runner {
  /** Once. */
  start(): void;
  /** Ends the guest as by SIGKILL, started or not; nothing where it has ended. */
  stop(): void;
  /** Of a guest that is a process. */
  readonly pid: number | undefined;
}
