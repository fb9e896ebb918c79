import { closeSync } from "node:fs";
import koffi from "koffi";
import { HostError } from "./error.ts";

/** A program to start: no shell, standard input at /dev/null, a session of its own. */
export interface LaunchOptions {
  /** Absolute path of the executable. */
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Descriptors of this process that the program finds at 3, 4, … */
  readonly descriptors?: readonly number[];
  /** The processors on which it may run, and what it starts. */
  readonly cores: readonly number[];
  /** Whether standard error comes by a pipe of its own, or joined with standard output. */
  readonly errors: "joined" | "apart";
}

/** A started program. Whoever started it reaps it, by `reapOfGroup`, and closes the descriptors. */
export interface Launched {
  /** Also the id of its session and process group. */
  readonly pid: number;
  /** When it was asked for, by `process.hrtime`, in nanoseconds. */
  readonly startedNs: bigint;
  /** Read ends of pipes, non-blocking: standard output, and standard error where it is apart. */
  readonly outputs: readonly number[];
  /** Readable once the program has ended (pidfd_open(2)). */
  readonly pidfd: number;
}

/** How a process ended: by a status of its own, or by a signal. */
export type ProcessEnd = { readonly status: number } | { readonly signal: number };

// glibc <spawn.h> on 64-bit hosts: sizes of posix_spawn_file_actions_t and posix_spawnattr_t; musl's are no larger.
const FILE_ACTIONS_BYTES = 80;
const ATTRIBUTES_BYTES = 336;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const SIGNAL_SET_BYTES = 128;
// Linux include/uapi: asm-generic/fcntl.h, asm-generic/unistd.h (the same number on both architectures), wait.h, poll.h.
const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x8_0000;
const F_SETFL = 4;
const SYS_PIDFD_OPEN = 434;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x100_0000;
const P_PID = 1;
const ECHILD = 10;
const PR_SET_CHILD_SUBREAPER = 36;
// siginfo_t of SIGCHLD on 64-bit hosts (include/uapi/asm-generic/siginfo.h).
const SIGINFO_BYTES = 128;
const SI_CODE_OFFSET = 8;
const SI_PID_OFFSET = 16;
const SI_STATUS_OFFSET = 24;
const CLD_EXITED = 1;
const POLLIN = 1;
const POLL_ENTRY_BYTES = 8;
/** What Node ignores, and a program inherits as ignored: SIGPIPE, SIGXFSZ. */
const SIGNALS_IGNORED_BY_NODE = [13, 25] as const;
/** Inherited descriptors go there first, so that none is overwritten before it was moved. */
const PARKING = 800;
const RUSAGE_BYTES = 144;
const CORES_MAX = 1024;

const libc = koffi.load(null);
const posixSpawn = libc.func(
  "int posix_spawn(_Out_ int *, const char *, void *, void *, const char **, const char **)",
);
const actionsInit = libc.func("int posix_spawn_file_actions_init(void *)");
const actionsOpen = libc.func("int posix_spawn_file_actions_addopen(void *, int, const char *, int, unsigned int)");
const actionsDup2 = libc.func("int posix_spawn_file_actions_adddup2(void *, int, int)");
const actionsDestroy = libc.func("int posix_spawn_file_actions_destroy(void *)");
const attributesInit = libc.func("int posix_spawnattr_init(void *)");
const attributesFlags = libc.func("int posix_spawnattr_setflags(void *, short)");
const attributesDefaults = libc.func("int posix_spawnattr_setsigdefault(void *, void *)");
const attributesMask = libc.func("int posix_spawnattr_setsigmask(void *, void *)");
const attributesDestroy = libc.func("int posix_spawnattr_destroy(void *)");
const pipe2 = libc.func("int pipe2(void *, int)");
const fcntl = libc.func("int fcntl(int, int, long)");
const wait4 = libc.func("int wait4(int, void *, int, void *)");
const waitid = libc.func("int waitid(int, unsigned int, void *, int)");
const prctl = libc.func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)");
const pollCall = libc.func("int poll(void *, unsigned long, int)");
const syscall = libc.func("long syscall(long, long, long)");
const setAffinity = libc.func("int sched_setaffinity(int, size_t, void *)");
const getAffinity = libc.func("int sched_getaffinity(int, size_t, void *)");

/**
 * Starts a program by vfork and execve, which copies no page tables: what `child_process` adds for this large process
 * would hide the program's own start. It inherits the thread's network namespace.
 * @throws HostError where the host refuses, e.g. `ENOENT`.
 */
export function launch(options: LaunchOptions): Launched {
  const pipes = [makePipe(), ...(options.errors === "apart" ? [makePipe()] : [])];
  const readEnds = pipes.map(({ read }) => read);
  try {
    const { pid, startedNs } = withCores(options.cores, () => spawn(options, pipes));
    return { pid, startedNs, outputs: readEnds, pidfd: openPidfd(pid) };
  } catch (error) {
    for (const descriptor of readEnds) closeSync(descriptor);
    throw error;
  } finally {
    for (const { write } of pipes) closeSync(write);
  }
}

interface Pipe {
  readonly read: number;
  readonly write: number;
}

function makePipe(): Pipe {
  const ends = new Int32Array(2);
  check("pipe2", pipe2(ends, O_CLOEXEC));
  const [read = -1, write = -1] = ends;
  check("fcntl", fcntl(read, F_SETFL, O_NONBLOCK));
  return { read, write };
}

function spawn(options: LaunchOptions, pipes: readonly Pipe[]): { readonly pid: number; readonly startedNs: bigint } {
  const { path, args, environment, descriptors = [] } = options;
  const actions = new Uint8Array(FILE_ACTIONS_BYTES);
  const attributes = new Uint8Array(ATTRIBUTES_BYTES);
  actionsInit(actions);
  attributesInit(attributes);
  try {
    const output = pipes[0]?.write ?? -1;
    actionsOpen(actions, 0, "/dev/null", O_RDWR, 0);
    actionsDup2(actions, output, 1);
    actionsDup2(actions, pipes[1]?.write ?? output, 2);
    for (const [index, descriptor] of descriptors.entries()) actionsDup2(actions, descriptor, PARKING + index);
    for (const index of descriptors.keys()) actionsDup2(actions, PARKING + index, 3 + index);
    attributesDefaults(attributes, signalSet(SIGNALS_IGNORED_BY_NODE));
    attributesMask(attributes, signalSet([]));
    attributesFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    const words = [path, ...args, null];
    const variables = [...Object.entries(environment).map(([name, value]) => `${name}=${value}`), null];
    const pid = [0];
    const startedNs = process.hrtime.bigint();
    const errno: number = posixSpawn(pid, path, actions, attributes, words, variables);
    if (errno !== 0) throw new HostError("posix_spawn", errno, path);
    return { pid: pid[0] ?? 0, startedNs };
  } finally {
    actionsDestroy(actions);
    attributesDestroy(attributes);
  }
}

function signalSet(signals: readonly number[]): Uint8Array {
  const set = new Uint8Array(SIGNAL_SET_BYTES);
  for (const signal of signals) set[(signal - 1) >> 3] = (set[(signal - 1) >> 3] ?? 0) | (1 << ((signal - 1) & 7));
  return set;
}

function openPidfd(pid: number): number {
  return check("pidfd_open", Number(syscall(SYS_PIDFD_OPEN, pid, 0)), `process ${pid}`);
}

/** Waits until one of the descriptors is readable or closed, blocking this thread, for a time limit. */
export function pollReadable(descriptors: readonly number[], limitMs: number): boolean {
  const view = new DataView(new ArrayBuffer(descriptors.length * POLL_ENTRY_BYTES));
  for (const [index, descriptor] of descriptors.entries()) {
    view.setInt32(index * POLL_ENTRY_BYTES, descriptor, true);
    view.setInt16(index * POLL_ENTRY_BYTES + 4, POLLIN, true);
  }
  return pollCall(new Uint8Array(view.buffer), descriptors.length, Math.max(0, Math.ceil(limitMs))) > 0;
}

/** How a program ended that `launch` started, which stays to be reaped; undefined while it runs. */
export function peekEnd(pid: number): ProcessEnd | undefined {
  const information = new DataView(new ArrayBuffer(SIGINFO_BYTES));
  const flags = WEXITED | WNOHANG | WNOWAIT;
  check("waitid", waitid(P_PID, pid, new Uint8Array(information.buffer), flags), `process ${pid}`);
  if (information.getInt32(SI_PID_OFFSET, true) === 0) return undefined;
  const value = information.getInt32(SI_STATUS_OFFSET, true);
  return information.getInt32(SI_CODE_OFFSET, true) === CLD_EXITED ? { status: value } : { signal: value };
}

/**
 * Reaps one ended process of a group among this process's children and, where it is their subreaper, its orphans.
 * @returns the processor time that it and its reaped children took; `running` where some run and none has ended; `gone`
 *   where there is none left.
 */
export function reapOfGroup(group: number): { readonly cpuNs: number } | "running" | "gone" {
  const usage = new BigInt64Array(RUSAGE_BYTES / 8);
  const reaped: number = wait4(-group, null, WNOHANG, usage);
  if (reaped < 0 && koffi.errno() === ECHILD) return "gone";
  if (check("wait4", reaped, `process group ${group}`) === 0) return "running";
  // struct rusage (getrusage(2)) begins with two struct timeval: user and system time, in seconds and microseconds.
  const [userS = 0n, userUs = 0n, systemS = 0n, systemUs = 0n] = usage;
  return { cpuNs: Number(((userS + systemS) * 1_000_000n + userUs + systemUs) * 1000n) };
}

/** Has orphaned descendants become this process's children, so that it can wait for their end. */
export function becomeSubreaper(): void {
  check("prctl", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

/** Calls `action` with this thread on the processors; what it starts inherits them. */
export function withCores<Result>(cores: readonly number[], action: () => Result): Result {
  const before = new Uint8Array(CORES_MAX / 8);
  check("sched_getaffinity", getAffinity(0, before.length, before));
  pinThread(0, cores);
  try {
    return action();
  } finally {
    setAffinity(0, before.length, before);
  }
}

/** Pins a thread, 0 being the calling one, to the processors. */
export function pinThread(thread: number, cores: readonly number[]): void {
  const mask = new Uint8Array(CORES_MAX / 8);
  for (const core of cores) mask[core >> 3] = (mask[core >> 3] ?? 0) | (1 << (core & 7));
  check("sched_setaffinity", setAffinity(thread, mask.length, mask), `processor ${cores.join(", ")}`);
}

function check(call: string, result: number, subject = ""): number {
  if (result < 0) throw new HostError(call, koffi.errno(), subject);
  return result;
}
