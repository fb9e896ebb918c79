/** A user's mistake: the message is one line that says what is wrong, where, and how to mend it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
