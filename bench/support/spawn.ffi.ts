import koffi from "koffi";

/** A program to start: no shell, an empty environment, standard input and output at /dev/null. */
export interface Program {
  readonly path: string;
  readonly args: readonly string[];
  /** Descriptors of this process that the program finds at 3, 4, … */
  readonly descriptors?: readonly number[];
  /** A descriptor of this process for the program's standard output. */
  readonly output?: number;
}

const O_RDWR = 2;
// glibc <spawn.h>: `posix_spawn_file_actions_t` has 80 bytes on 64-bit hosts.
const FILE_ACTIONS_BYTES = 80;
/** Moved there first, so that no descriptor is overwritten before it was used. */
const PARKING = 800;

const libc = koffi.load(null);
const posixSpawn = libc.func(
  "int posix_spawn(_Out_ int *, const char *, void *, void *, const char **, const char **)",
);
const actionsInit = libc.func("int posix_spawn_file_actions_init(void *)");
const actionsOpen = libc.func("int posix_spawn_file_actions_addopen(void *, int, const char *, int, unsigned int)");
const actionsDup2 = libc.func("int posix_spawn_file_actions_adddup2(void *, int, int)");
const actionsDestroy = libc.func("int posix_spawn_file_actions_destroy(void *)");
const waitpid = libc.func("int waitpid(int, _Out_ int *, int)");
const setAffinity = libc.func("int sched_setaffinity(int, size_t, void *)");

/**
 * Starts a program by vfork and execve, which copies no page tables: what `child_process` adds for this large process
 * would hide the program's own start.
 * @returns its process id.
 */
export function start(program: Program): number {
  const actions = new Uint8Array(FILE_ACTIONS_BYTES);
  actionsInit(actions);
  try {
    const { descriptors = [], output } = program;
    actionsOpen(actions, 0, "/dev/null", O_RDWR, 0);
    if (output === undefined) actionsOpen(actions, 1, "/dev/null", O_RDWR, 0);
    else actionsDup2(actions, output, 1);
    for (const [index, descriptor] of descriptors.entries()) actionsDup2(actions, descriptor, PARKING + index);
    for (const index of descriptors.keys()) actionsDup2(actions, PARKING + index, 3 + index);
    const pid = [0];
    const error: number = posixSpawn(pid, program.path, actions, null, [program.path, ...program.args, null], [null]);
    if (error !== 0) throw new Error(`posix_spawn ${program.path} failed with error ${error}`);
    return pid[0] ?? 0;
  } finally {
    actionsDestroy(actions);
  }
}

/** Waits for a process that `start` made; returns its wait status (0: it exited with status 0). */
export function wait(pid: number): number {
  const status = [0];
  if (waitpid(pid, status, 0) !== pid) throw new Error(`waitpid ${pid} failed`);
  return status[0] ?? -1;
}

/** Nanoseconds from the start of a program to its end; throws where it does not exit with status 0. */
export function timeToExitNs(program: Program): number {
  const before = process.hrtime.bigint();
  const status = wait(start(program));
  const elapsedNs = Number(process.hrtime.bigint() - before);
  if (status !== 0) throw new Error(`${program.path} ended with wait status ${status}`);
  return elapsedNs;
}

/** Pins this process, and what it starts from now on, to one core. */
export function pinTo(core: number): void {
  const mask = new Uint8Array(128);
  mask[core >> 3] = 1 << (core & 7);
  setAffinity(0, mask.length, mask);
}
