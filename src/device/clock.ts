/** The time of day; a guest's monotonic clock is its processor's counter. */
export interface WallClock {
  /** Nanoseconds since 1970-01-01 00:00 UTC. */
  nowNs(): bigint;
}
