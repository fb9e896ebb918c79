/** What lies at physical addresses outside the guest's memory. */
export interface Bus {
  /** @returns what is read; `stop` where the processor stops at this instruction; undefined where nothing is there. */
  load(address: number, bytes: number): bigint | "stop" | undefined;
  /** @returns `stop` where the processor stops before the next instruction; undefined where nothing is there. */
  store(address: number, bytes: number, value: bigint): "done" | "stop" | undefined;
}
