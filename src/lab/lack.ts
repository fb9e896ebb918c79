/** Why something cannot be measured here, and how to mend it. */
export interface Lack {
  /** One line without a full stop, e.g. `runc is not installed`. */
  readonly reason: string;
  /** One shell command or one line of advice; undefined where nothing on this host helps. */
  readonly mend: string | undefined;
}

export function lack(reason: string, mend?: string): Lack {
  return { reason, mend };
}

/**
 * A sample that could not be taken: the instance hung, crashed or said what its workload did not understand. It counts
 * against the target, and the run goes on. Anything else that a sample throws is a defect of the lab and ends the run.
 */
export class SampleError extends Error {
  override readonly name = "SampleError";
}
