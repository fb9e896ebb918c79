/** Something that this host does not offer, and how to mend it. */
export interface Lack {
  /** The part of the host's manifest that it belongs to, e.g. `kvm`. */
  readonly subject: string;
  /** Why, in words that follow the subject's name. */
  readonly reason: string;
  /** Shell commands that mend it, in order; empty where no command can. */
  readonly mend: readonly string[];
}

/** A command that needs root's rights, as this user has to type it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}
