/** What keeps the test bed from working on this machine: one line, with the mend. */
export class BedError extends Error {
  override readonly name = "BedError";
}
