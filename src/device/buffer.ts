/** Bytes that a device moves. A backend takes them where it can reach them best. */
export interface DeviceBuffer {
  readonly length: number;
  readonly bytes: Uint8Array;
  /** Where they lie in this process; undefined where they have no address. */
  readonly hostAddress: bigint | undefined;
}

/**
 * What became of a guest's request:
 * - `again`: nothing there yet;
 * - `invalid`: the request breaks the device's rules;
 * - `failed`: the backend could not do it.
 */
export type Outcome = "ok" | "again" | "invalid" | "failed";
