/** A user's mistake: the message is one line that says what is wrong, where, and how to mend it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A thread of Skiff's own has ended, and with it what guests need of it; the message is one line. */
export class LostThreadError extends Error {
  override readonly name = "LostThreadError";
}
